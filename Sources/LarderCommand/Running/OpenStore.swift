import ArgumentParser
import Larder

/// The store that a command works on.
struct StoreArgument: ParsableArguments {
  @Argument(help: "The store's directory.")
  var store: String

  /// Opens the store for reading: nothing is made or changed.
  func openForReading() throws(LarderError) -> FeatureStore {
    try FeatureStore(at: store, access: .readOnly)
  }

  /// Opens the store for reading as of a commit, or of its newest one.
  func openForReading(at commit: UInt64?) throws(LarderError) -> FeatureStore {
    let store = try openForReading()
    guard let commit else { return store }
    return try store.snapshot(at: commit)
  }

  /// Opens the store for writing; it must be there.
  func openForWriting() throws(LarderError) -> FeatureStore {
    try FeatureStore(at: store, access: .readWrite)
  }
}
