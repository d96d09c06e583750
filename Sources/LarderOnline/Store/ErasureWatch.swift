import LarderColumns
import LarderFiles
import LarderKeys

/// What history says of erasures that are not finished, for the tables beside it.
///
/// From the commit on that retires an entity's ids, its key is hidden online as well, by whoever
/// reads: no table need be written for it. A table *takes an erasure in* when its writer removed
/// the rows; from then on the key's rows are new ones, and are shown.
package struct ErasureWatch: Sendable {
  /// The keys that are hidden; nil if there are none.
  ///
  /// Asked at every read and write.
  package let hidden: @Sendable () throws(LarderError) -> HiddenKeys?
  /// Whether nobody is left who reads from before the newest erasure, and could still bring rows
  /// of then over.
  package let isUnpinned: @Sendable () throws(LarderError) -> Bool
  /// Whether history has rows again of keys that are hidden.
  package let haveReturned: @Sendable (HiddenKeys) throws(LarderError) -> Bool

  /// Makes a watch.
  package init(
    hidden: @escaping @Sendable () throws(LarderError) -> HiddenKeys?,
    isUnpinned: @escaping @Sendable () throws(LarderError) -> Bool,
    haveReturned: @escaping @Sendable (HiddenKeys) throws(LarderError) -> Bool
  ) {
    self.hidden = hidden
    self.isUnpinned = isUnpinned
    self.haveReturned = haveReturned
  }
}

/// Keys of entities whose erasure is not finished.
package struct HiddenKeys: Sendable {
  /// Keys by the commit that retired them.
  package private(set) var groups: [(commit: UInt64, keys: KeySelection)]

  /// Makes a set of keys; nil if it would be empty.
  package init?(_ groups: [(commit: UInt64, keys: KeySelection)]) {
    self.groups = groups.filter { $0.keys.count > 0 }
    if self.groups.isEmpty { return nil }
  }

  /// The newest commit that retired some of them.
  package var last: UInt64 { groups.map(\.commit).max() ?? 0 }

  /// The keys, whichever commit retired them.
  package var selections: [KeySelection] { groups.map(\.keys) }

  /// The keys that were retired after a commit; nil if none were.
  package func since(_ commit: UInt64) -> HiddenKeys? {
    HiddenKeys(groups.filter { $0.commit > commit })
  }
}

/// The file that says which erasures a table took in: its name is the number of the newest commit
/// that retired keys, and it is empty.
///
/// It is durable before a row of such a key is written again.
enum ErasureMark {
  static let suffix = ".erased"

  /// The newest commit whose erased keys have no rows in a table from before it; 0 if none is known.
  static func newest(
    in folder: String, _ files: any FileSystem
  ) throws(LarderError) -> UInt64 {
    try TableFiles.numbers(folder, suffix, files).last ?? 0
  }

  /// Says that a table took in the erasures up to a commit, durably.
  static func set(
    _ commit: UInt64, in folder: String, _ files: any FileSystem
  ) throws(LarderError) {
    let old = try TableFiles.numbers(folder, suffix, files)
    if let last = old.last, last >= commit { return }
    let file = try files.open("\(folder)/\(LogFormat.padded(commit))\(suffix)", .createIfMissing)
    try file.syncData()
    try files.syncDirectory(folder)
    for number in old { try files.remove("\(folder)/\(LogFormat.padded(number))\(suffix)") }
  }
}
