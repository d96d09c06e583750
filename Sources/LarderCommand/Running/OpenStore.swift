import ArgumentParser
import Larder

/// The store that a command works on.
struct StoreArgument: ParsableArguments {
  @Argument(help: "The store's directory.")
  var store: String

  /// Opens the store for reading: nothing is made or changed.
  func openForReading() throws(LarderError) -> FeatureStore {
    let opened = try FeatureStore(at: store, access: .readOnly)
    try ClockWarning.write(opened)
    return opened
  }

  /// Opens the store to copy it: for writing where that is allowed, which makes what a command that died
  /// left part of history first, so that the copy has whatever a reader has seen.
  func openForCopying() throws(LarderError) -> FeatureStore {
    do throws(LarderError) { return try openForWriting() } catch { return try openForReading() }
  }

  /// Opens the store for reading as of a commit, or of its newest one.
  func openForReading(at commit: CommitArgument?) throws(LarderError) -> FeatureStore {
    let store = try openForReading()
    guard let commit else { return store }
    return try store.snapshot(at: commit.commit(in: store))
  }

  /// Opens the store for writing, or for reading where nothing is to be changed.
  func open(writing: Bool, _ locks: LockArgument) throws(LarderError) -> FeatureStore {
    try writing ? openForWriting(locks) : openForReading()
  }

  /// Opens the store for writing; it must be there.
  func openForWriting(_ locks: LockArgument? = nil) throws(LarderError) -> FeatureStore {
    let opened = try FeatureStore(
      at: store, access: .readWrite, options: locks?.options ?? StoreOptions())
    try ClockWarning.write(opened)
    return opened
  }
}

/// How long a command that writes waits for others that do.
struct LockArgument: ParsableArguments {
  @Option(
    name: .customLong("lock-timeout"),
    help: ArgumentHelp(
      "How long to wait for another writer, such as 500ms or 1m.", valueName: "DURATION"))
  var timeout: DurationArgument = DurationArgument(duration: .seconds(10))

  /// Options with the timeout.
  var options: StoreOptions { StoreOptions(lockTimeout: timeout.duration) }
}
