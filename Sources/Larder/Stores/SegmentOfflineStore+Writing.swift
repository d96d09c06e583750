import LarderColumns
import LarderContract
import LarderOffline

extension SegmentOfflineStore {
  /// Adds rows to a view's history, as `OfflineStore` has it: all of them durably, or none.
  @discardableResult
  public func append(_ batch: RecordBatch, to view: FeatureView) throws(LarderError) -> Commit {
    try requireNewest()
    return try store.append([batch], to: view.name)
  }

  func apply(
    _ definitions: Definitions, dropping: Bool, dryRun: Bool
  ) throws(LarderError) -> [DefinitionChange] {
    try requireNewest()
    return try store.apply(definitions, dropping: dropping, dryRun: dryRun).changes
  }

  func drop(view: String, dryRun: Bool) throws(LarderError) -> [DefinitionChange] {
    try requireNewest()
    return try store.drop(view: view, dryRun: dryRun).changes
  }
}
