import LarderColumns
import LarderContract

/// Columns of a view that the names of a file's folders say: added where the file lacks them, and held
/// against the file where it has them too.
struct PartitionColumns {
  private struct Constant {
    var name: String
    var type: DataType
    var value: Value
  }

  private var constants: [Constant] = []
  private let file: String

  /// Reads what the folders say as the view's types.
  ///
  /// - Parameters:
  ///   - partition: what the folders say.
  ///   - view: names and types the columns.
  ///   - map: for a column of the view, the name it has here.
  ///   - times: how times are written.
  /// - Throws: `invalidInput` for a value that is not of its type.
  init(
    _ partition: [PartitionValue], of view: FeatureView, map: [String: String],
    times: TimeReading, file: String
  ) throws(LarderError) {
    self.file = file
    if partition.isEmpty { return }
    for column in ViewColumn.all(of: view) {
      let name = map[column.name] ?? column.name
      // Of two folders of one column the inner one says more.
      guard let said = partition.last(where: { $0.name == name }) else { continue }
      guard let text = said.text else {
        constants.append(Constant(name: column.name, type: column.type, value: .null))
        continue
      }
      do throws(CellFlaw) {
        let value =
          if let element = column.type.element {
            Value.list(
              try ListCells.elements(Array(text.utf8).span, of: element, by: times))
          } else {
            try ListCells.value(Array(text.utf8), column.type, by: times)
          }
        constants.append(Constant(name: column.name, type: column.type, value: value))
      } catch {
        throw LarderError(
          .invalidInput,
          "The folder \"\(name)=\(text)\" says \"\(text)\", which is "
            + "\(error.reason(type: column.type)).", file: file, column: name)
      }
    }
  }

  /// A batch with the columns that it lacks.
  ///
  /// - Throws: `invalidInput` with the row for a value other than what the folder says.
  func completing(_ batch: RecordBatch) throws(LarderError) -> RecordBatch {
    if constants.isEmpty { return batch }
    var fields = batch.schema.fields
    var columns = batch.columns
    for constant in constants {
      if let column = batch[constant.name] {
        try check(column, constant)
      } else {
        fields.append(ColumnField(constant.name, constant.type))
        columns.append(try Self.column(constant, count: batch.count))
      }
    }
    return RecordBatch(unchecked: Schema(fields), columns: columns, count: batch.count)
  }

  private func check(_ column: Column, _ constant: Constant) throws(LarderError) {
    for row in 0..<column.count where !Self.areSame(column[row], constant.value) {
      throw LarderError(
        .invalidInput,
        "It holds \(column[row]), and the file's folder says \(constant.value).", file: file,
        column: constant.name, row: row)
    }
  }

  /// Whether values are the same, whatever width or unit they have.
  private static func areSame(_ a: Value, _ b: Value) -> Bool {
    switch (a, b) {
    case (.timestamp(let x), .timestamp(let y)): x.exactNanoseconds == y.exactNanoseconds
    case (.int32(let x), .int64(let y)): Int64(x) == y
    case (.int64(let x), .int32(let y)): x == Int64(y)
    case (.float64(let x), .int32(let y)): x == Double(y)
    case (.float64(let x), .int64(let y)): Int64(exactly: x) == y
    default: a == b
    }
  }

  private static func column(
    _ constant: Constant, count: Int
  ) throws(LarderError) -> Column {
    if constant.value == .null { return .nulls(constant.type, count: count) }
    var builder = ColumnBuilder(constant.type)
    if constant.type.layout == .variable {
      try builder.append(constant.value)
      return Column(
        type: constant.type, count: count, nullCount: 0, validity: nil,
        values: Buffer.zeros(count * 4), child: builder.finish(), isDictionary: true)
    }
    for _ in 0..<count { try builder.append(constant.value) }
    return builder.finish()
  }
}
