import LarderColumns
import LarderContract

// How a user names a commit: its number, a tag, or a time.

extension Store {
  /// The commit that a user names: `17`, `release`, `2026-03-01`, `2026-03-01T12:00:00Z`.
  ///
  /// No tag is a number; where a tag reads like a time, the tag is meant.
  ///
  /// - Throws: `notFound` with the nearest tag, or for a commit that is not kept.
  package func commit(named name: String) throws(LarderError) -> Commit {
    if !name.isEmpty, name.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
      guard let id = UInt64(name) else {
        throw LarderError(
          .notFound, "There is no commit \(name); the newest is \(try refresh().head.id).",
          file: layout.root)
      }
      return try snapshot(at: id).commit
    }
    let tags = try named().tags
    if tags[name] != nil { return try snapshot(tagged: name).commit }
    let time: Timestamp
    do throws(LarderError) { time = try Timestamp(iso8601: name) } catch {
      throw LarderError(
        .notFound,
        "There is no commit, tag or time \"\(name)\". "
          + suggestion(for: name, among: Array(tags.keys)), file: layout.root)
    }
    return try commit(notAfter: time)
  }

  /// The commit that was the newest at a time: the last one not later.
  ///
  /// - Throws: `notFound` if the store has none so early, or it is no longer kept, naming the first
  ///   that is.
  package func commit(notAfter time: Timestamp) throws(LarderError) -> Commit {
    let state = try named()
    let limit = time.floor(in: .microseconds)
    var found: Commit?
    var next: Commit?
    for commit in state.history {
      if commit.time.ticks > limit {
        next = commit
        break
      }
      found = commit
    }
    // Between two that are kept others may have been: one of them was the newest then.
    if let found, next == nil || next?.id == found.id + 1 {
      return try snapshot(at: found.id).commit
    }
    let kept =
      next.map { "; the first commit that is kept after it is \($0.id) of \($0.time)" } ?? ""
    throw LarderError(
      .notFound, "No commit that was the newest at \(time) is kept\(kept).", file: layout.root)
  }
}
