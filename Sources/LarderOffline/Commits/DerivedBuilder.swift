import LarderColumns
import LarderFiles
import Synchronization

/// Builds files that follow from segments and keys, such as timelines: never on the way of a commit,
/// and safe to lose.
package protocol DerivedBuilder: Sendable {
  /// Builds what is missing for a view as of a snapshot, if it is worth it. Called after a merge or
  /// a large append, under the maintenance lock; what it throws does not undo either.
  func build(for view: Catalog.View, in snapshot: Snapshot) throws(LarderError)

  /// Whether a file in a view's folder, or a key set's, is one of this builder's that no snapshot
  /// from the newest on can use.
  ///
  /// - Parameters:
  ///   - path: of a file that the manifest does not name.
  ///   - state: the newest snapshot.
  func isObsolete(_ path: String, in state: StoreState) throws(LarderError) -> Bool

  /// Whether a file is one of this builder's, by its name.
  func owns(_ path: String) -> Bool

  /// The segments that a file of this builder's follows from; nil if it is not whole, or gone.
  ///
  /// - Throws: `io`, which says nothing about the file.
  func segments(
    in path: String, _ files: any FileSystem
  ) throws(LarderError) -> [FileIdentifier]?
}

extension Store {
  /// Registers what is to be built after merges.
  package func add(_ builder: any DerivedBuilder) {
    derived.withLock { $0.append(builder) }
  }
}
