import CLarderKernels
import LarderColumns
import LarderFiles
import Synchronization

/// Key -> id and id -> key as of a commit: the key map, and a table in memory of the keys after it.
///
/// Immutable; any number of threads look keys up at a time.
@safe package final class KeyDirectory: Sendable {
  /// The keys by id.
  package let log: KeyLog
  /// The map that the lookups begin with, if there is one.
  package let map: KeyMap?
  /// Ids whose keys were erased.
  package let retired: RetiredIDs
  let tags: KeyTags
  let table: KeyTable
  /// Whether the table holds keys of this snapshot.
  private let usesTable: Bool

  /// The keys' schema.
  package var schema: KeySchema { log.schema }
  /// How many ids were given out.
  package var count: UInt32 { log.count }

  /// Makes a directory of a log's keys.
  ///
  /// - Parameters:
  ///   - log: the log as of the commit.
  ///   - map: a map of it, as `KeyMap.newest` finds it.
  ///   - retired: ids that are unknown from now on.
  ///   - hashMask: fewer ones than all force collisions, for tests.
  /// - Throws: `corrupt` if keys of the log's chunks after the map do not hold.
  /// - Complexity: O(keys after the map), some 20 ns each.
  package init(
    log: KeyLog, map: KeyMap? = nil, retired: RetiredIDs = RetiredIDs(), hashMask: UInt64 = .max
  ) throws(LarderError) {
    self.log = log
    self.map = map
    self.retired = retired
    tags = KeyTags(log.schema, hashMask: hashMask)
    let first = map?.count ?? 0
    table = KeyTable(keys: Int(log.count - min(first, log.count)), tags: tags, first: first)
    usesTable = log.count > first
    try Self.add(from: log, retired, to: table)
  }

  private init(
    log: KeyLog, map: KeyMap?, retired: RetiredIDs, tags: KeyTags, table: KeyTable
  ) {
    self.log = log
    self.map = map
    self.retired = retired
    self.tags = tags
    self.table = table
    usesTable = log.count > map?.count ?? 0
  }

  /// The directory as of a later commit of the same generation, or with more ids retired.
  ///
  /// The table goes on where it has room. Several may be made of one directory: they add the same
  /// keys once.
  ///
  /// - Parameters:
  ///   - log: the later log, opened `after` this one.
  ///   - assignment: what assigned the new keys, if that was this process: spares reading them.
  ///   - map: a newer map, which replaces the table.
  /// - Throws: `corrupt` if new keys of the log do not hold.
  package func extended(
    to log: KeyLog, retired: RetiredIDs? = nil, adopting assignment: KeyAssignment? = nil,
    map newMap: KeyMap? = nil
  ) throws(LarderError) -> KeyDirectory {
    let retired = retired ?? self.retired
    let fits =
      log.identity == self.log.identity
      && log.state.generation == self.log.state.generation && log.count >= self.log.count
    guard fits, newMap == nil else {
      let map = newMap ?? (fits ? self.map : nil)
      return try KeyDirectory(log: log, map: map, retired: retired, hashMask: tags.hashMask)
    }
    if let assignment, !usesTable, assignment.directory === self,
      assignment.newKeys.end == log.count
    {
      assignment.table.covered.withLock { $0 = log.count }
      return KeyDirectory(
        log: log, map: map, retired: retired, tags: tags, table: assignment.table)
    }
    var table = self.table
    let (needed, room) = table.covered.withLock { covered in
      let missing = Int(log.count) - Int(covered)
      return (table.count + missing, table.room - missing)
    }
    if room < 0 { table = table.grown(toHold: needed * 2) }
    try Self.add(from: log, retired, to: table)
    return KeyDirectory(log: log, map: map, retired: retired, tags: tags, table: table)
  }

  /// Adds the keys that a table lacks.
  private static func add(
    from log: KeyLog, _ retired: RetiredIDs, to table: KeyTable
  ) throws(LarderError) {
    try table.covered.withLock { (covered) throws(LarderError) in
      guard covered < log.count else { return }
      try unsafe log.forEachChunk(table.tags, from: covered, without: retired) { tags, ids, rows in
        unsafe table.insert(tags, ids: ids, count: rows)
      }
      covered = log.count
    }
  }

  /// Begins to give ids to keys that the directory lacks.
  ///
  /// One at a time, under the append lock.
  ///
  /// - Parameter limit: distinct entities of the set at most; lower only in tests.
  package func assignment(limit: Int = Limits.entities) -> KeyAssignment {
    KeyAssignment(self, limit: limit)
  }
}

extension KeyDirectory {
  /// Looks keys up.
  ///
  /// - Parameters:
  ///   - keys: keys of this schema.
  ///   - ids: gets one id per row, `UInt32.max` where the key is unknown, null, out of range or
  ///     erased. Room for `keys.count`.
  /// - Throws: `invalidArgument` for keys of another schema; `corrupt` if bytes of the map or the
  ///   log that were needed do not hold.
  /// - Complexity: O(rows), a cache line each, and the key's bytes where tails are not 4 or 8
  ///   bytes.
  package func lookup(
    _ keys: KeyBatch, into ids: UnsafeMutableBufferPointer<UInt32>
  ) throws(LarderError) {
    guard keys.schema == schema else {
      throw LarderError(
        .invalidArgument, "Keys \(keys.schema) were looked up among \(schema).", file: log.path)
    }
    precondition(ids.count >= keys.count)
    guard let target = ids.baseAddress, keys.count > 0 else { return }
    let view = unsafe keys.view
    try withScratch { (scratch) throws(LarderError) in
      var row = 0
      while row < keys.count {
        let rows = row..<min(row + KeyTags.chunkRows, keys.count)
        let tags = unsafe self.tags.tags(of: view, rows: rows, scratch: scratch.tags)
        try unsafe find(tags, of: view, rows: rows, into: target + row, scratch)
        row = rows.upperBound
      }
    }
    unsafe keys.maskUnmarked(target)
  }

  /// Looks up one chunk of rows.
  func find(
    _ tags: UnsafePointer<UInt64>, of view: larder_key_tails, rows: Range<Int>,
    into ids: UnsafeMutablePointer<UInt32>, _ scratch: KeyScratch
  ) throws(LarderError) {
    let count = rows.count
    if let map {
      try unsafe map.find(tags, count: count, into: ids)
      // Equal tags of numbers are equal keys: a fresh id of a retired key can only be in the table.
      if !self.tags.areHashes { unsafe retired.mask(ids, count: count) }
      if usesTable { unsafe table.findMissing(tags, count: count, into: ids, scratch) }
    } else {
      unsafe table.find(tags, count: count, into: ids)
    }
    // The table may hold keys of later commits already, and a map's ids are only trusted so far.
    if self.tags.areHashes {
      try unsafe confirm(tags, of: view, rows: rows, ids, suspects: scratch.lanes)
    } else {
      let limit = log.count
      for row in 0..<count {
        let id = unsafe ids[row]
        unsafe ids[row] = id < limit ? id : .max
      }
    }
    unsafe retired.mask(ids, count: count)
  }

  /// Confirms by the keys' bytes what was found by hash, and searches on where they differ.
  private func confirm(
    _ tags: UnsafePointer<UInt64>, of view: larder_key_tails, rows: Range<Int>,
    _ ids: UnsafeMutablePointer<UInt32>, suspects: UnsafeMutablePointer<UInt32>
  ) throws(LarderError) {
    try unsafe log.confirm(view, rows: rows, ids, suspects: suspects) {
      (lane) throws(LarderError) in
      unsafe ids[lane] = try exactID(
        tag: tags[lane], tail: view.tail(rows.lowerBound + lane))
    }
    guard !retired.isEmpty else { return }
    // A retired id may hide a fresh one of the same key behind it.
    for lane in 0..<rows.count {
      guard unsafe retired.contains(ids[lane]) else { continue }
      unsafe ids[lane] = try exactID(tag: tags[lane], tail: view.tail(rows.lowerBound + lane))
    }
  }

  /// The id of a key among all that share its tag.
  func exactID(
    tag: UInt64, tail: UnsafeRawBufferPointer
  ) throws(LarderError) -> UInt32 {
    var candidates: [UInt32] = []
    if let map { candidates += try map.candidates(tag) }
    if usesTable { candidates += table.candidates(tag) }
    for id in candidates where id < log.count && !retired.contains(id) {
      guard let other = unsafe try log.tail(of: id) else { continue }
      if unsafe other.elementsEqual(tail) { return id }
    }
    return .max
  }
}

extension KeyLog {
  /// Compares rows' tails to those of the ids found for them, and calls a closure for each row
  /// where they differ.
  func confirm(
    _ view: larder_key_tails, rows: Range<Int>, _ ids: UnsafePointer<UInt32>,
    suspects: UnsafeMutablePointer<UInt32>, _ body: (Int) throws(LarderError) -> Void
  ) throws(LarderError) {
    var known = unsafe runs.view
    var tails = unsafe view
    var done = 0
    while done < rows.count {
      var count = 0
      var blocked: UInt32 = 0
      let step = unsafe larder_keys_verify(
        &known, &tails, rows.lowerBound + done, ids + done, rows.count - done, suspects, &count,
        &blocked)
      for suspect in 0..<count { try unsafe body(done + Int(suspects[suspect])) }
      done += step
      if done < rows.count { try verify(run: Int(blocked)) }
    }
  }
}

extension KeyBatch {
  /// Makes the ids of rows without a key unknown.
  func maskUnmarked(_ ids: UnsafeMutablePointer<UInt32>) {
    guard let marks else { return }
    let flags = unsafe marks.base.assumingMemoryBound(to: UInt8.self)
    for row in 0..<count { if unsafe flags[row] != 0 { unsafe ids[row] = .max } }
  }
}

extension larder_key_tails {
  /// A row's tail.
  func tail(_ row: Int) -> UnsafeRawBufferPointer {
    guard let offsets = unsafe offsets else {
      return unsafe UnsafeRawBufferPointer(start: tails + row * stride, count: stride)
    }
    let start = unsafe Int(offsets[row])
    return unsafe UnsafeRawBufferPointer(
      start: tails + start, count: Int(offsets[row + 1]) - start)
  }
}
