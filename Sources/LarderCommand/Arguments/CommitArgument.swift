import ArgumentParser
import Larder

/// A commit on the command line: its id, or a tag.
struct CommitArgument: ExpressibleByArgument {
  /// What was written.
  var name: String

  init?(argument: String) {
    guard !argument.isEmpty else { return nil }
    name = argument
  }

  /// The commit in a store.
  ///
  /// - Throws: `notFound` with the nearest tag, or for a commit that is no longer kept.
  func commit(in store: FeatureStore) throws(LarderError) -> Commit {
    try store.commit(named: name)
  }
}
