import LarderColumns
import LarderContract

/// A spine as columns: whole as the file has it, and the part of it that questions are asked with.
package struct SpineTable: Sendable {
  /// All columns, in the types the file has them in.
  package let batch: RecordBatch
  /// What the file says of each column beyond its type.
  package let origins: [ColumnOrigin]
  /// The key columns and the time column, in types that questions take.
  package let question: RecordBatch

  /// Reads a spine whole.
  ///
  /// - Parameters:
  ///   - source: the bytes: Parquet, Arrow or CSV.
  ///   - keys: the columns used as join keys.
  ///   - timestamp: the time column.
  ///   - timeUnit: what times count, if they are integers.
  ///   - format: of CSV, the delimiter.
  ///   - threads: how many may decode at once.
  /// - Throws: what the format's reader throws; `unsupported` for a column that is not read, by name.
  package init(
    _ source: ByteSource, keys: [CSVSpine.Key], timestamp: String, timeUnit: TimeUnit? = nil,
    format: CSVFormat = .standard, threads: Int = 1
  ) throws(LarderError) {
    let reader: any TableReader
    if try source.detectFormat() == .text {
      let texts = keys.filter { $0.type == .string }.map(\.column)
      reader = try CSVTable(source, format: format, texts: Set(texts))
    } else {
      let options = TableReadOptions(threads: threads)
      guard let opened = try openTable(try RandomAccessBytes(source), options: options) else {
        throw LarderError(.invalidInput, "It is no known format.", file: source.name)
      }
      reader = opened
    }
    do throws(LarderError) {
      batch = try reader.readAll()
      origins = reader.origins
      question = try Self.question(batch, keys, timestamp, timeUnit)
    } catch { throw error.located(file: source.name) }
  }

  private static func question(
    _ batch: RecordBatch, _ keys: [CSVSpine.Key], _ timestamp: String, _ timeUnit: TimeUnit?
  ) throws(LarderError) -> RecordBatch {
    var fields: [ColumnField] = []
    var columns: [Column] = []
    for (field, column) in zip(batch.schema.fields, batch.columns) {
      var value = column
      if field.name == timestamp {
        do throws(LarderError) {
          value = try times(column, timeUnit)
        } catch { throw error.inColumn(field.name) }
      } else if let key = keys.first(where: { $0.column == field.name }) {
        // Text that is marked as more than text is text to a key.
        if key.type == .string, column.type.isText { value = column.relabelled(.string) }
      } else {
        continue
      }
      fields.append(ColumnField(field.name, value.type))
      columns.append(value)
    }
    return RecordBatch(unchecked: Schema(fields), columns: columns, count: batch.count)
  }

  /// Times as instants; text in microseconds, or nanoseconds where one is finer.
  private static func times(
    _ column: Column, _ timeUnit: TimeUnit?
  ) throws(LarderError) -> Column {
    do throws(LarderError) {
      return try column.asTimes(integers: timeUnit, texts: .microseconds)
    } catch {
      guard column.type == .string else { throw error }
      return try column.asTimes(integers: timeUnit, texts: .nanoseconds)
    }
  }
}
