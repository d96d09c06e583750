import LarderColumns
import LarderContract

/// What the rows of a batch are to the keys that they belong to.
enum RowRole: Sendable {
  /// Written by somebody.
  case direct
  /// Deleted by somebody.
  case deletion
  /// History's answers, unless those that are there are greater.
  case gained
  /// History's answers, whatever is there.
  case answers
  /// History has none.
  case none

  /// What the table has begun while no watermark says that it is finished.
  var run: HistoryRun {
    switch self {
    case .direct, .deletion: .none
    case .gained: .gaining
    case .answers, .none: .rebuilding
    }
  }

  /// What is merged with the rows before.
  var incoming: RowMerge.Incoming {
    switch self {
    case .direct, .deletion: .direct
    case .gained, .answers: .history
    case .none: .nothing
    }
  }
}

/// How one record is made.
enum RowMaking: UInt8 {
  /// Of the batch's row alone.
  case plain
  /// Of the batch's row alone, which stands over history's answer.
  case overHistory
  /// Of the batch's row, and features of the one before.
  case merged
  /// The direct write before stays, and what the batch says of history goes under it.
  case beneath
  /// Nothing is left.
  case absence
}

/// A batch's features by their ids.
struct RowFeatures {
  private var columns: [UInt32: Column] = [:]

  init() {}

  /// - Parameter columns: the batch's column for each feature of the schema; nil if it brings none.
  init(_ schema: RowSchema, _ columns: [Column?]) {
    for (field, column) in zip(schema.fields, columns) { self.columns[field.id] = column }
  }

  /// Prepares to write rows of a schema.
  func encoder(_ schema: RowSchema) throws(LarderError) -> RowEncoder {
    try RowEncoder(schema, columns: schema.fields.map { columns[$0.id] })
  }
}
