import LarderColumns
import LarderContract
import LarderKeys

/// Rows that a view accepts, in the types in which they are stored and in the order they came.
struct AcceptedRows: Sendable {
  /// How many rows.
  var count: Int
  /// The rows' keys, none missing.
  var keys: KeyBatch
  /// The event times, Int64 ticks of the view's unit, none missing.
  var events: Buffer
  /// The created times in the view's unit; nil if the view has none.
  var created: Column?
  /// The features in the view's order; nil for one that the batch does not have.
  var features: [Column?]
}

/// Checks a batch against a view before anything is written.
struct BatchValidation {
  let view: Catalog.View
  let schema: KeySchema

  /// - Parameter keySet: the view's.
  init(_ view: Catalog.View, _ keySet: Catalog.KeySet) throws(LarderError) {
    self.view = view
    schema = try keySet.schema()
  }

  private var keyNames: [String] { schema.columns.map(\.name) }

  private var definition: FeatureView { view.definition }

  /// Checks and converts a batch.
  ///
  /// - Throws: `invalidInput` with column, row and reason; `limitExceeded`.
  /// - Complexity: O(rows x columns); columns of the right type are not copied.
  func accept(_ batch: RecordBatch) throws(LarderError) -> AcceptedRows {
    try checkNames(batch)
    let keys = try acceptKeys(batch)
    let event = try require(definition.eventTimestamp, "the event time", in: batch)
    let eventTimes = try TimeConversion(
      name: definition.eventTimestamp, unit: definition.timeUnit
    ).convert(event)
    if eventTimes.nullCount > 0 {
      let row = (0..<batch.count).first { !eventTimes.isValid($0) }
      throw LarderError(
        .invalidInput, "The event time is null; every row needs one.",
        column: definition.eventTimestamp, row: row)
    }
    var created: Column?
    if let name = definition.createdTimestamp {
      created = try TimeConversion(name: name, unit: definition.timeUnit)
        .convert(try require(name, "the created time", in: batch))
    }
    var features: [Column?] = []
    for field in view.fields {
      guard let column = batch[field.name] else {
        features.append(nil)
        continue
      }
      features.append(try FeatureConversion(name: field.name, type: field.type).convert(column))
    }
    return AcceptedRows(
      count: batch.count, keys: keys, events: eventTimes.fixedBuffer, created: created,
      features: features)
  }

  private func acceptKeys(_ batch: RecordBatch) throws(LarderError) -> KeyBatch {
    if definition.isEntityless { return .entityless(count: batch.count) }
    var columns: [(name: String, column: Column)] = []
    for name in keyNames { columns.append((name, try require(name, "a join key", in: batch))) }
    return try KeyBatch(columns, schema: schema, rows: 0..<batch.count, for: .write)
  }

  private func require(
    _ name: String, _ role: String, in batch: RecordBatch
  ) throws(LarderError) -> Column {
    if let column = batch[name] { return column }
    throw LarderError(
      .invalidInput,
      "The view \"\(view.name)\" needs this column as \(role), and the batch does not have it. "
        + suggestion(for: name, among: batch.schema.fields.map(\.name)), column: name)
  }

  private func checkNames(_ batch: RecordBatch) throws(LarderError) {
    var expected = Set(view.fields.map(\.name))
    expected.formUnion(keyNames)
    expected.insert(definition.eventTimestamp)
    if let created = definition.createdTimestamp { expected.insert(created) }
    var seen: Set<String> = []
    for field in batch.schema.fields {
      guard seen.insert(field.name).inserted else {
        throw LarderError(
          .invalidInput, "The batch has two columns of this name; leave one out.",
          column: field.name)
      }
      guard !expected.contains(field.name) else { continue }
      if let renamed = view.fields.first(where: { $0.formerNames.contains(field.name) }) {
        throw LarderError(
          .invalidInput,
          "This feature of \"\(view.name)\" was renamed to \"\(renamed.name)\".",
          column: field.name)
      }
      let missing = expected.subtracting(batch.schema.fields.map(\.name))
      throw LarderError(
        .invalidInput,
        "The view \"\(view.name)\" has no such column. "
          + suggestion(for: field.name, among: (missing.isEmpty ? expected : missing).sorted()),
        column: field.name)
    }
  }
}

extension Column {
  /// The 8-byte values from row 0 on as a buffer that starts with them.
  var fixedBuffer: Buffer {
    guard offset > 0 else { return values }
    let owner = values
    return unsafe Buffer(borrowing: values.base + offset * 8, count: count * 8) {
      withExtendedLifetime(owner) {}
    }
  }
}
