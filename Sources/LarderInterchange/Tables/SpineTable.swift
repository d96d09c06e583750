import LarderColumns
import LarderContract

/// How a spine's columns are read.
package struct SpineOptions: Sendable {
  /// What times count, if they are integers; nil to refuse those.
  package var timeUnit: TimeUnit?
  /// Of CSV: the delimiter, the spellings of null and how times are written.
  package var format = CSVFormat.standard
  /// Columns that are left out of the answer.
  package var dropped: [String] = []
  /// Of CSV: whether all cells stay text, as an answer in CSV repeats them.
  package var keepsTexts = false
  /// Of Parquet and Arrow: whether unsigned integers of 64 bits are text.
  package var unsignedTexts = false
  /// How many threads may decode at once.
  package var threads = 1

  /// Options with every choice at its default.
  package init() {}
}

/// A spine as columns: whole as the file has it, and the part of it that queries are asked with.
package struct SpineTable: Sendable {
  /// All columns that are not left out, in the types the file has them in.
  package let batch: RecordBatch
  /// What the file says of each column beyond its type.
  package let origins: [ColumnOrigin]
  /// The key columns and the time column, in types that queries take.
  package let query: RecordBatch
  /// Groups (structs) that come out as their leaves, since no answer can hold them.
  package let groups: [String]

  /// Reads a spine whole.
  ///
  /// - Parameters:
  ///   - source: the bytes: Parquet, Arrow or CSV.
  ///   - keys: the columns used as join keys.
  ///   - timestamp: the time column.
  ///   - options: how it is read.
  /// - Throws: what the format's reader throws; `unsupported` for a column that no answer can hold, by
  ///   name; `notFound` for a column to leave out that is not there.
  package init(
    _ source: ByteSource, keys: [CSVSpine.Key], timestamp: String,
    options: SpineOptions = SpineOptions()
  ) throws(LarderError) {
    do throws(LarderError) {
      if try source.detectFormat() == .text {
        (batch, query) = try Self.readText(source, keys, timestamp, options)
        origins = batch.schema.fields.map { _ in .plain }
        groups = []
        return
      }
      let bytes = try RandomAccessBytes(source)
      let used = Set(keys.map(\.column) + [timestamp])
      let names = try Self.columns(of: bytes, using: used, options)
      let reading = TableReadOptions(
        columns: names.read, threads: options.threads, unsignedTexts: options.unsignedTexts)
      guard let reader = try openTable(bytes, options: reading) else {
        throw LarderError(.invalidInput, "It is no known format.")
      }
      let whole = try reader.readAll()
      query = try Self.query(whole, keys, timestamp, options.timeUnit)
      let kept = names.read.indices.filter { names.kept.contains(names.read[$0]) }
      batch = RecordBatch(
        unchecked: Schema(kept.map { whole.schema.fields[$0] }),
        columns: kept.map { whole.columns[$0] }, count: whole.count)
      origins = kept.map { reader.origins[$0] }
      groups = names.groups
    } catch { throw error.located(file: source.name) }
  }

  private static func readText(
    _ source: ByteSource, _ keys: [CSVSpine.Key], _ timestamp: String, _ options: SpineOptions
  ) throws(LarderError) -> (batch: RecordBatch, query: RecordBatch) {
    let spine = try CSVSpine(
      source, keys: keys, timestamp: timestamp, timeUnit: options.timeUnit, format: options.format)
    let names = spine.header.names
    try checkDropped(options.dropped, names)
    let kept = names.filter { !options.dropped.contains($0) }
    for name in kept where spine.header.repeated.contains(name) {
      throw LarderError(
        .invalidInput,
        "The header names this column twice; leave both out with --drop-columns \(name).",
        column: name)
    }
    let texts = keys.filter { $0.type == .string }.map(\.column)
    let table = try CSVTable(
      source, format: options.format, texts: Set(options.keepsTexts ? kept : texts), columns: kept)
    return (try table.readAll(), spine.batch)
  }

  private static func checkDropped(
    _ dropped: [String], _ names: [String]
  ) throws(LarderError) {
    for name in dropped where !names.contains(name) {
      throw LarderError(
        .notFound,
        "The spine has no column \"\(name)\" to leave out. \(suggestion(for: name, among: names))")
    }
  }

  /// The columns to read, and those of them that the answer has.
  private static func columns(
    of bytes: RandomAccessBytes, using used: Set<String>, _ options: SpineOptions
  ) throws(LarderError) -> (read: [String], kept: Set<String>, groups: [String]) {
    guard let found = try describeTable(bytes, unsignedTexts: options.unsignedTexts) else {
      throw LarderError(.invalidInput, "It is no known format.")
    }
    try checkDropped(
      options.dropped, found.columns.map(\.name) + found.columns.compactMap(\.group))
    var read: [String] = []
    var kept: Set<String> = []
    var groups: [String] = []
    for column in found.columns {
      let whole = column.group ?? column.name
      let isDropped = options.dropped.contains(column.name) || options.dropped.contains(whole)
      if !isDropped {
        if case .failure(let refusal) = column.type {
          throw LarderError(
            refusal.code, "\(refusal.message) Leave it out with --drop-columns \(whole).",
            column: whole)
        }
        kept.insert(column.name)
        if let group = column.group, groups.last != group { groups.append(group) }
      }
      if !isDropped || used.contains(column.name) { read.append(column.name) }
    }
    return (read, kept, groups)
  }

  private static func query(
    _ batch: RecordBatch, _ keys: [CSVSpine.Key], _ timestamp: String, _ timeUnit: TimeUnit?
  ) throws(LarderError) -> RecordBatch {
    var fields: [ColumnField] = []
    var columns: [Column] = []
    for (field, column) in zip(batch.schema.fields, batch.columns) {
      var value = column
      do throws(LarderError) {
        if field.name == timestamp {
          value = try times(column, timeUnit)
        } else if let key = keys.first(where: { $0.column == field.name }) {
          value = try self.key(column, key.type, timeUnit)
        } else {
          continue
        }
      } catch { throw error.inColumn(field.name) }
      fields.append(ColumnField(field.name, value.type))
      columns.append(value)
    }
    return RecordBatch(unchecked: Schema(fields), columns: columns, count: batch.count)
  }

  /// A column as keys are compared with: as it is where keys take it, value by value.
  private static func key(
    _ column: Column, _ type: JoinKeyType, _ timeUnit: TimeUnit?
  ) throws(LarderError) -> Column {
    if type.canHold(column.type) { return column }
    if column.nullCount == column.count, column.type == .string {
      return .nulls(type.dataType, count: column.count)
    }
    // What cannot become one, the query itself refuses with the view's name.
    guard LosslessConversion.allows(column.type, type.dataType) else { return column }
    return try LosslessConversion(
      to: type.dataType, integers: timeUnit, role: "the join key"
    ).convert(column)
  }

  /// Times as instants; text in microseconds, or nanoseconds where one is finer.
  private static func times(
    _ column: Column, _ timeUnit: TimeUnit?
  ) throws(LarderError) -> Column {
    // The query takes dates as they are.
    if column.type == .date { return column }
    do throws(LarderError) {
      return try column.asTimes(integers: timeUnit, texts: .microseconds)
    } catch {
      guard column.type == .string else { throw error }
      return try column.asTimes(integers: timeUnit, texts: .nanoseconds)
    }
  }
}
