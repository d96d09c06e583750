import Larder
import LarderContract

extension StoreArgument {
  /// What the store knows; nil if there is no store.
  func knownDefinitions() throws(LarderError) -> Definitions? {
    do throws(LarderError) {
      return try openForReading().definitions()
    } catch {
      if error.code == .notFound { return nil }
      throw error
    }
  }

  /// Applies definitions and tells what changed, or would.
  ///
  /// Makes the store if there is none, unless it is a dry run.
  ///
  /// - Parameters:
  ///   - definitions: what to apply.
  ///   - known: what the store knows; nil if there is no store.
  ///   - dropping: whether features that the store has and an applied view lacks are dropped.
  ///   - dryRun: whether only to say what would change.
  ///   - locks: how long to wait for other writers.
  func apply(
    _ definitions: Definitions, knowing known: Definitions?, dropping: Bool = false, dryRun: Bool,
    _ locks: LockArgument
  ) throws(LarderError) {
    let changes: [DefinitionChange]
    if dryRun, known == nil {
      changes = try ComposedFeatureStore(offline: InMemoryOfflineStore()).apply(
        definitions, dryRun: true)
    } else {
      changes = try FeatureStore(
        at: store, access: dryRun ? .readOnly : .create, options: locks.options
      ).apply(definitions, dropping: dropping, dryRun: dryRun)
    }
    ChangeReport.print(changes, dryRun: dryRun)
  }
}

/// Tells what changed.
enum ChangeReport {
  static func print(_ changes: [DefinitionChange], dryRun: Bool) {
    for change in changes { Terminal.note("\(change)") }
    if changes.isEmpty {
      Terminal.note("nothing to change")
    } else if dryRun {
      Terminal.note("nothing was changed: this was a dry run")
    }
  }
}
