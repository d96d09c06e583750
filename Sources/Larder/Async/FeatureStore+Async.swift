import LarderColumns
import LarderContract

// Thin: each runs the synchronous method of the same name on a thread that may wait for disks and
// locks. What they do, return and throw is told there. A task that was cancelled before it began
// throws `cancelled`; one that runs is carried through, so that a commit is whole or absent.
extension FeatureStore {
  /// Opens a store in a directory; see `init(at:access:options:)`.
  public static func open(
    at path: String, access: StoreAccess = .readWrite, options: StoreOptions = StoreOptions()
  ) async throws(LarderError) -> FeatureStore {
    try await BlockingThreads.run { () throws(LarderError) in
      try FeatureStore(at: path, access: access, options: options)
    }
  }

  /// Makes definitions known, in one commit; see the synchronous method.
  @discardableResult
  public func apply(
    _ definitions: Definitions, dropping: Bool = false, dryRun: Bool = false
  ) async throws(LarderError) -> [DefinitionChange] {
    try await BlockingThreads.run { () throws(LarderError) in
      try self.apply(definitions, dropping: dropping, dryRun: dryRun)
    }
  }

  /// Adds rows to a view's history, durably or not at all; see the synchronous method.
  @discardableResult
  public func append(
    _ batch: RecordBatch, to view: String
  ) async throws(LarderError) -> Commit {
    try await BlockingThreads.run { () throws(LarderError) in try self.append(batch, to: view) }
  }

  /// Replaces the rows of a range of event times in one commit; see the synchronous method.
  @discardableResult
  public func replace(
    _ batches: [RecordBatch], in view: String, from: Timestamp? = nil, through: Timestamp? = nil
  ) async throws(LarderError) -> Commit {
    try await BlockingThreads.run { () throws(LarderError) in
      try self.replace(batches, in: view, from: from, through: through)
    }
  }

  /// Merges small segments that appends left; see the synchronous method.
  @discardableResult
  public func fold(_ view: String? = nil) async throws(LarderError) -> Int {
    try await BlockingThreads.run { () throws(LarderError) in try self.fold(view) }
  }

  /// Checks every checksum, order, count and reference; see the synchronous method.
  public func verify() async throws(LarderError) -> VerificationReport {
    try await BlockingThreads.run { () throws(LarderError) in try self.verify() }
  }

  /// Brings the online table up to date with history; see the synchronous method.
  @discardableResult
  public func materialize(
    _ view: String, through: Timestamp = .now
  ) async throws(LarderError) -> MaterializationReport {
    try await BlockingThreads.run { () throws(LarderError) in
      try self.materialize(view, through: through)
    }
  }
}
