import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// A query that is asked again and again: a view, its keys and the features wanted.
final class ReadPlan: Sendable {
  let resolved: ResolvedView
  /// The names asked for; nil for all.
  let features: [String]?
  let fields: [Field]
  let types: [DataType]
  let schema: Schema
  let keySchema: KeySchema
  private let bound = ForkSafeMutex<BoundPlan?>(nil)

  /// Prepares a query.
  ///
  /// - Throws: `notFound` for an unknown feature; what `KeySchema` throws.
  init(_ resolved: ResolvedView, features: [String]?) throws(LarderError) {
    self.resolved = resolved
    self.features = features
    let view = resolved.definition
    fields = try view.fields(named: features)
    types = fields.map(\.type)
    schema = Schema(fields.map { ColumnField($0.name, $0.type) })
    keySchema = try ReadPlan.keySchema(of: view)
  }

  /// The view's definition.
  var view: FeatureView { resolved.definition }

  /// The schema of a view's keys.
  ///
  /// - Throws: what `KeySchema` throws.
  static func keySchema(of view: FeatureView) throws(LarderError) -> KeySchema {
    var keys: [KeyColumn] = []
    for key in view.joinKeys { keys.append(KeyColumn(key.name, try KeyType(key.type.dataType))) }
    return try KeySchema(keys)
  }

  /// Whether this is the plan for a query.
  func fits(_ view: ResolvedView, _ features: [String]?) -> Bool {
    self.features == features && resolved == view
  }

  /// The plan for the rows of the last snapshot, if nothing but rows changed since.
  ///
  /// This is the whole cost of being up to date for a query that is asked again: one lock, which
  /// nobody else holds if each thread has a reader of its own, and three loads from the index.
  @inline(__always) func fresh() -> BoundPlan? {
    guard let last = bound.withLock({ $0 }), last.snapshot.privateIndex == nil,
      !last.snapshot.isBehind, !last.snapshot.isBeingPublished,
      last.forkGeneration == ForkedChild.generation
    else { return nil }
    return last
  }

  /// The plan for the rows of a snapshot.
  ///
  /// - Throws: `incompatibleDefinition` if the table's keys or unit are not the view's.
  func bound(to snapshot: TableSnapshot) throws(LarderError) -> BoundPlan {
    if let last = bound.withLock({ $0 }), last.snapshot === snapshot { return last }
    try snapshot.state.check(view)
    let new = BoundPlan(snapshot, self)
    bound.withLock { $0 = new }
    return new
  }
}

/// Where the features wanted lie in the rows of a snapshot.
final class BoundPlan: Sendable {
  let snapshot: TableSnapshot
  /// By schema id.
  let projections: [RowProjection?]
  /// Cache lines of a row without text: what a lookup brings closer.
  let rowLines: Int
  /// How many times the process that made this had been forked.
  let forkGeneration = ForkedChild.generation

  init(_ snapshot: TableSnapshot, _ plan: ReadPlan) {
    self.snapshot = snapshot
    let state = snapshot.state
    let bytes =
      Record.featuresOffset(keyBytes: plan.keySchema.stride ?? 16) + state.current.fixedBytes
    rowLines = min(8, (bytes + LogFormat.unit - 1) / LogFormat.unit)
    let ids = state.ids(of: plan.fields, in: plan.resolved)
    var projections = [RowProjection?](repeating: nil, count: Int(state.lastSchemaID) + 1)
    for schema in state.schemas {
      projections[Int(schema.id)] = RowProjection(of: schema, ids: ids, types: plan.types)
    }
    self.projections = projections
  }
}
