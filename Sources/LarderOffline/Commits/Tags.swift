import LarderColumns
import LarderContract
import LarderFiles

extension Store {
  /// Gives a snapshot a name, by which it is kept until the tag is removed; a tag that exists
  /// moves.
  ///
  /// - Parameter commit: nil for the newest.
  /// - Returns: the snapshot's commit.
  /// - Throws: `invalidArgument` for a name that is none; `notFound` if the snapshot is no longer
  ///   kept; what a commit throws.
  @discardableResult
  package func tag(_ name: String, at commit: UInt64? = nil) throws(LarderError) -> Commit {
    try Self.checkTag(name)
    // A tag names what is published: a commit beyond that may yet come to nothing.
    try settle()
    let tagged =
      if let commit { try snapshot(at: commit) } else { try settledSnapshot() }
    // The pin holds the files until the tag does.
    defer { withExtendedLifetime(tagged) {} }
    _ = try self.commit { state throws(LarderError) in
      state.tags[name] == tagged.commit.id
        ? nil : .tag(ManifestRecord.Tag(name: name, commit: tagged.commit.id))
    }
    return tagged.commit
  }

  /// Removes a tag; its snapshot is kept no longer than others then.
  ///
  /// - Throws: `notFound` with the nearest name; what a commit throws.
  package func removeTag(_ name: String) throws(LarderError) {
    _ = try commit { state throws(LarderError) in
      guard state.tags[name] != nil else {
        throw LarderError(
          .notFound,
          "There is no tag \"\(name)\". \(suggestion(for: name, among: Array(state.tags.keys)))")
      }
      return .tag(ManifestRecord.Tag(name: name, commit: nil))
    }
    sweepQuietly()
  }

  /// The snapshot of a tag, pinned.
  ///
  /// - Throws: `notFound` with the nearest name.
  package func snapshot(tagged name: String) throws(LarderError) -> Snapshot {
    let tags = try named().tags
    guard let commit = tags[name] else {
      throw LarderError(
        .notFound, "There is no tag \"\(name)\". \(suggestion(for: name, among: Array(tags.keys)))")
    }
    return try snapshot(at: commit)
  }

  /// The state by which names are looked up: who may write, and so may go back to what a name says,
  /// looks after a tag that a dead process wrote and did not publish.
  func named() throws(LarderError) -> StoreState {
    if locks == nil { return try refresh() }
    do { return try settle() } catch  where error.code == .poisoned { return try refresh() }
  }

  private func head() throws(LarderError) -> Commit { try refresh().head }

  /// The snapshots that can be looked at, oldest first.
  package func snapshots() throws(LarderError) -> [SnapshotInfo] {
    let state = try refresh()
    let living = try living(
      state, oldest: manifest.oldestRetained ?? state.history.first?.id ?? state.head.id)
    let pinned = try pins.pinned(below: state.head.id + 1)
    return state.history.filter { living.isLiving($0.id) }.map { commit in
      SnapshotInfo(
        commit: commit,
        tags: state.tags.filter { $0.value == commit.id }.map(\.key).sorted(by: utf8Order),
        isHead: commit.id == state.head.id, isPinned: pinned.contains(commit.id))
    }
  }

  /// A tag is told from a commit's id, and fits a line.
  static func checkTag(_ name: String) throws(LarderError) {
    let bytes = name.utf8
    guard (1...255).contains(bytes.count), !bytes.contains(where: { $0 < 0x21 || $0 == 0x7F }),
      !name.contains("@"), !bytes.allSatisfy({ (0x30...0x39).contains($0) })
    else {
      throw LarderError(
        .invalidArgument,
        "\"\(name)\" cannot be a tag: it has 1 to 255 bytes, no spaces, control characters or @, "
          + "and is not a number.")
    }
  }
}
