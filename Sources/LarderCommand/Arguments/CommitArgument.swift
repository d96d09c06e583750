import ArgumentParser
import Larder

/// A commit on the command line: its id, a tag, or a time, which means the last one not later.
struct CommitArgument: ExpressibleByArgument {
  /// What was written.
  var name: String

  init?(argument: String) {
    guard !argument.isEmpty else { return nil }
    name = argument
  }

  /// The commit in a store.
  ///
  /// - Throws: `notFound` with the nearest tag, or for a commit that is not kept.
  func commit(in store: FeatureStore) throws(LarderError) -> Commit {
    try store.commit(named: name)
  }
}
