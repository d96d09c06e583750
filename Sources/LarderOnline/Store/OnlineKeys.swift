import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// The keys of a batch's rows as lookups take them, to be asked of several views.
package struct OnlineKeys: Sendable {
  let batch: KeyBatch

  /// Converts the join-key columns of a batch.
  ///
  /// - Parameters:
  ///   - batch: has a column under the name of each of the view's join keys.
  ///   - view: a view; others with the same join keys may be asked with the result.
  /// - Throws: `invalidInput` for a column that is missing or of another kind.
  package init(_ batch: RecordBatch, of view: FeatureView) throws(LarderError) {
    self.batch = try OnlineKeys.convert(batch, try ReadPlan.keySchema(of: view), view)
  }

  /// The keys of a batch's rows under a view's schema.
  static func convert(
    _ batch: RecordBatch, _ schema: KeySchema, _ view: FeatureView
  ) throws(LarderError) -> KeyBatch {
    if view.isEntityless { return .entityless(count: batch.count) }
    var sources: [(name: String, column: Column)] = []
    sources.reserveCapacity(schema.columns.count)
    for key in schema.columns {
      guard let column = batch[key.name], key.type.canTake(column.type) else {
        // Says what is missing or wrong.
        _ = try WrittenColumns.keys(batch.schema, of: view)
        throw LarderError(.invalidInput, "The join key is missing.", column: key.name)
      }
      sources.append((key.name, key.type == .string ? column.asString : column))
    }
    return try KeyBatch(sources, schema: schema, rows: 0..<batch.count, for: .lookup)
  }
}

extension KeyType {
  /// Whether a column of a type can hold such keys.
  fileprivate func canTake(_ type: DataType) -> Bool {
    switch self {
    case .string: type.isText
    case .bytes: type == .bytes
    case .timestamp: if case .timestamp = type { true } else { false }
    case .int32, .int64:
      type == .int64 || type == .int32 || type == .float64 || type == .float32
    }
  }
}

extension Column {
  /// The same text without its tag: uuid, json and decimal keys are their text.
  var asString: Column {
    guard type.isText, type != .string else { return self }
    return Column(
      type: .string, count: count, nullCount: nullCount, validity: validity, offset: offset,
      values: values, bytes: bytes, child: isDictionary ? dictionary?.asString : nil,
      isDictionary: isDictionary)
  }
}
