import CLarderKernels
import LarderColumns

/// Gives ids to the keys of one commit: those of the directory, and new ones in order of first
/// appearance.
///
/// Used by the one appender. If its commit fails, it is dropped, and nothing else knows of it.
@safe package final class KeyAssignment {
  /// What was known before.
  package let directory: KeyDirectory
  /// The keys that were not, to be appended to the log.
  package let newKeys: NewKeys
  private(set) var table: KeyTable
  private let fresh: Buffer
  private var isBroken = false

  /// Distinct entities of the set at most; lower only in tests.
  private let limit: Int

  init(_ directory: KeyDirectory, limit: Int) {
    self.directory = directory
    self.limit = limit
    newKeys = NewKeys(schema: directory.schema, first: directory.count)
    table = KeyTable(keys: 64, tags: directory.tags, first: directory.count)
    fresh = Buffer(uninitializedBytes: KeyTags.chunkRows * 4)
  }

  /// Gives every row an id; equal keys share one.
  ///
  /// - Parameters:
  ///   - keys: keys of the directory's schema, converted for a write.
  ///   - ids: gets one id per row. Room for `keys.count`.
  /// - Throws: `invalidArgument` for keys of another schema, or with rows that have none;
  ///   `limitExceeded` above `Limits.entities`; `corrupt` as lookups do. After an error the
  ///   assignment gives no more ids.
  /// - Complexity: O(rows).
  package func assign(
    _ keys: KeyBatch, into ids: UnsafeMutableBufferPointer<UInt32>
  ) throws(LarderError) {
    guard !isBroken, keys.schema == directory.schema, keys.marks == nil else {
      throw LarderError(
        .invalidArgument,
        "These keys cannot be given ids: every row needs a key of "
          + "\(directory.schema), and no earlier batch may have failed.")
    }
    precondition(ids.count >= keys.count)
    guard let target = ids.baseAddress, keys.count > 0 else { return }
    isBroken = true
    let view = unsafe keys.view
    let looksUp = directory.count > 0
    try withScratch { (scratch) throws(LarderError) in
      var row = 0
      while row < keys.count {
        let rows = row..<min(row + KeyTags.chunkRows, keys.count)
        let tags = unsafe directory.tags.tags(of: view, rows: rows, scratch: scratch.tags)
        if looksUp {
          try unsafe directory.find(tags, of: view, rows: rows, into: target + row, scratch)
        } else {
          unsafe (target + row).update(repeating: .max, count: rows.count)
        }
        unsafe findNew(tags, of: view, rows: rows, into: target + row, scratch)
        try unsafe add(tags, of: view, rows: rows, into: target + row)
        row = rows.upperBound
      }
    }
    isBroken = false
  }

  /// Looks up among the new keys what the directory does not hold, with prefetch.
  private func findNew(
    _ tags: UnsafePointer<UInt64>, of view: larder_key_tails, rows: Range<Int>,
    into ids: UnsafeMutablePointer<UInt32>, _ scratch: KeyScratch
  ) {
    guard !newKeys.isEmpty else { return }
    unsafe table.findMissing(tags, count: rows.count, into: ids, scratch)
    guard directory.tags.areHashes else { return }
    // What the directory answered was confirmed by it; only new ids are compared here.
    var known = unsafe newKeys.runs.view
    var tails = unsafe view
    for row in 0..<rows.count {
      unsafe scratch.ids[row] = ids[row] >= newKeys.first ? ids[row] : .max
    }
    var suspects = 0
    var blocked: UInt32 = 0
    unsafe larder_keys_verify(
      &known, &tails, rows.lowerBound, scratch.ids, rows.count, scratch.lanes, &suspects, &blocked)
    // What shares a hash with another key is left to `add`, which compares all of them.
    for suspect in 0..<suspects { unsafe ids[Int(scratch.lanes[suspect])] = .max }
  }

  /// Adds the keys of the rows that have no id yet.
  private func add(
    _ tags: UnsafePointer<UInt64>, of view: larder_key_tails, rows: Range<Int>,
    into ids: UnsafeMutablePointer<UInt32>
  ) throws(LarderError) {
    let new = unsafe fresh.base.assumingMemoryBound(to: UInt32.self)
    var tails = unsafe view
    var done = 0
    while done < rows.count {
      var known = unsafe newKeys.runs.view
      var next = newKeys.end
      var added = 0
      let room = min(table.room, limit - Int(next))
      let step = unsafe larder_keys_assign(
        table.table, tags + done, rows.count - done, &tails, rows.lowerBound + done, &known,
        ids + done, &next, room, new, &added)
      table.didAdd(added)
      for key in 0..<added {
        try unsafe newKeys.append(view.tail(rows.lowerBound + done + Int(new[key])))
      }
      done += step
      guard done < rows.count else { return }
      guard Int(newKeys.end) < limit else {
        throw LarderError(
          .limitExceeded, "A join-key set has at most \(limit) distinct entities.")
      }
      // By four while that is little memory: every growth enters all keys again.
      let factor = table.count < 1 << 20 ? 4 : 2
      table = table.grown(toHold: max(table.count * factor, 4 * KeyTags.chunkRows))
    }
  }
}
