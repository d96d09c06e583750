import CLarderKernels
import LarderColumns
import LarderFiles

extension KeyMap {
  /// Lines that are built in memory at a time: 64 MiB, some 3 million keys.
  package static let partLines = 1 << 20

  /// Builds a map of all keys of a log into a new file, synced with its directory.
  ///
  /// The header is written last, so that an unfinished file is no map. The file is locked until it
  /// is finished, so that a sweep does not take it for an orphan.
  ///
  /// - Parameters:
  ///   - log: the log, whose keys are all checked on the way.
  ///   - retired: ids that are left out.
  ///   - file: a fresh identifier, for the name.
  ///   - partLines: lines built at a time, a multiple of 1,024.
  /// - Returns: the file's name in the directory.
  /// - Throws: `corrupt` if keys of the log do not hold; `noSpace`, `io`: then the file is removed.
  /// - Complexity: O(keys) and one more pass over the log for every 3 million keys; 64 MiB of
  ///   memory.
  @discardableResult
  package static func build(
    from log: KeyLog, without retired: RetiredIDs, as file: FileIdentifier,
    in files: any FileSystem, directory: String, hashMask: UInt64 = .max,
    partLines: Int = KeyMap.partLines
  ) throws(LarderError) -> String {
    precondition(partLines > 0 && partLines % KeyMapHeader.blockLines == 0)
    let name = KeyMapHeader.fileName(file)
    let path = directory + "/" + name
    let target = try files.open(path, .create)
    do throws(LarderError) {
      guard try target.tryLock(0..<1, .exclusive) else {
        throw LarderError(.locked, "Another process holds a file that was just made.", file: path)
      }
      var builder = KeyMapBuilder(
        log: log, retired: retired, tags: KeyTags(log.schema, hashMask: hashMask), file: file,
        target: target, partLines: partLines)
      try builder.build()
      try target.syncData()
      try files.syncDirectory(directory)
    } catch {
      // The first failure is what the caller needs; an orphan is swept anyway.
      do throws(LarderError) { try files.remove(path) } catch { _ = error }
      throw error
    }
    return name
  }
}

/// Fills a map part by part, each a run of lines that fits in memory.
@safe struct KeyMapBuilder {
  private let log: KeyLog
  private let retired: RetiredIDs
  private let tags: KeyTags
  private let target: any File
  private let partLines: Int
  private var header: KeyMapHeader
  private var sums: [UInt8] = []
  // Keys that found no room up to the end of the part before.
  private var spilledTags: [UInt64] = []
  private var spilledIDs: [UInt32] = []

  init(
    log: KeyLog, retired: RetiredIDs, tags: KeyTags, file: FileIdentifier, target: any File,
    partLines: Int
  ) {
    self.log = log
    self.retired = retired
    self.tags = tags
    self.target = target
    self.partLines = partLines
    let homes = KeyTable.lines(forKeys: Int(log.count))
    header = KeyMapHeader(for: log, tags: tags, file: file, homes: UInt64(homes))
  }

  /// Writes lines, then their checksums, then the header.
  mutating func build() throws(LarderError) {
    let homes = Int(header.homes)
    var first = 0
    while first < homes {
      let lines = min(partLines, homes - first)
      let isLast = first + lines == homes
      try buildPart(first: first, lines: lines, isLast: isLast)
      first += lines
    }
    let end = UInt64(KeyMapHeader.bytes) + header.lines * UInt64(KeyMapHeader.lineBytes)
    try target.write(sums, at: end)
    header.blockSum = XXH3.hash64(sums, seed: header.seed(.max))
    try target.write(header.encoded, at: 0)
  }

  private mutating func buildPart(
    first: Int, lines: Int, isLast: Bool
  ) throws(LarderError) {
    // The first keys go to the room that the part before left them: lines at the start of this.
    let slots = Int(LARDER_KEY_SLOTS)
    // After the last home there is room for every key that might spill, and one line more, so that
    // the last line is never full and a search never goes around.
    var spare = isLast ? spilledIDs.count / slots + 2 : 0
    while true {
      let memory = Buffer(
        uninitializedBytes: (lines + spare) * MemoryLayout<larder_key_line>.stride)
      let start = unsafe memory.base.assumingMemoryBound(to: larder_key_line.self)
      unsafe clearLines(start, count: lines + spare)
      var tags = spilledTags
      var ids = spilledIDs
      unsafe try fill(start, first: first, lines: lines + spare, &tags, &ids)
      let last = unsafe readSlot(start + lines + spare - 1, slots - 1)
      if isLast, !ids.isEmpty || last.id != .max {
        // Everything hashed to the end; only tests make it so.
        spare = spare * 2 + ids.count / slots + 1
        continue
      }
      (spilledTags, spilledIDs) = (tags, ids)
      try unsafe write(UnsafeRawPointer(start), first: first, lines: lines + spare)
      header.lines = UInt64(first + lines + spare)
      withExtendedLifetime(memory) {}
      return
    }
  }

  /// Puts into lines the keys that spilled into them and those whose search begins there.
  ///
  /// - Parameters:
  ///   - tags: those that spilled from the part before; then those that spill from this.
  ///   - ids: their ids.
  private func fill(
    _ lines: UnsafeMutablePointer<larder_key_line>, first: Int, lines count: Int,
    _ tags: inout [UInt64], _ ids: inout [UInt32]
  ) throws(LarderError) {
    var part = unsafe larder_key_table(
      lines: lines, homes: header.homes, count: UInt64(count), hash_mask: self.tags.hashMask,
      verified: nil, tags_are_hashes: self.tags.areHashes ? 1 : 0, spare: 0)
    let carried = zip(tags, ids).map { ($0, $1) }
    tags = []
    ids = []
    var line = 0
    for (tag, id) in carried {
      while line < count {
        if unsafe put(tag, id, into: lines + line) { break }
        line += 1
      }
      if line == count {
        tags.append(tag)
        ids.append(id)
      }
    }
    var overflowTags = [UInt64](repeating: 0, count: KeyTags.chunkRows)
    var overflowIDs = [UInt32](repeating: 0, count: KeyTags.chunkRows)
    var newTags = tags
    var newIDs = ids
    try unsafe log.forEachChunk(self.tags, from: 0, without: retired) { someTags, someIDs, rows in
      var spilled = 0
      unsafe larder_keys_fill(
        &part, UInt64(first), someTags, someIDs, rows, &overflowTags, &overflowIDs, &spilled)
      newTags.append(contentsOf: overflowTags[..<spilled])
      newIDs.append(contentsOf: overflowIDs[..<spilled])
    }
    tags = newTags
    ids = newIDs
  }

  /// Puts a key into a line's first empty slot; false if it is full.
  private func put(
    _ tag: UInt64, _ id: UInt32, into line: UnsafeMutablePointer<larder_key_line>
  ) -> Bool {
    let raw = UnsafeMutableRawPointer(line)
    for slot in 0..<Int(LARDER_KEY_SLOTS) where unsafe readSlot(line, slot).id == .max {
      unsafe raw.storeBytes(of: tag, toByteOffset: slot * 8, as: UInt64.self)
      unsafe raw.storeBytes(
        of: id, toByteOffset: Int(LARDER_KEY_SLOTS) * 8 + slot * 4, as: UInt32.self)
      return true
    }
    return false
  }

  private mutating func write(
    _ lines: UnsafeRawPointer, first: Int, lines count: Int
  ) throws(LarderError) {
    // A part is a whole number of blocks, but for the last.
    var line = 0
    while line < count {
      let inBlock = min(KeyMapHeader.blockLines, count - line)
      let bytes = unsafe UnsafeRawBufferPointer(
        start: lines + line * KeyMapHeader.lineBytes, count: inBlock * KeyMapHeader.lineBytes)
      let block = UInt64((first + line) / KeyMapHeader.blockLines)
      let sum = unsafe XXH3.hash64(bytes, seed: header.seed(block))
      sums.appendLittleEndian(sum)
      line += inBlock
    }
    // In aligned pieces of 2 MiB, which the page cache then holds in large folios.
    let all = count * KeyMapHeader.lineBytes
    let start = KeyMapHeader.bytes + first * KeyMapHeader.lineBytes
    var written = 0
    while written < all {
      let piece = min(all - written, (2 << 20) - (start + written) % (2 << 20))
      try unsafe target.write(
        UnsafeRawBufferPointer(start: lines + written, count: piece), at: UInt64(start + written))
      written += piece
    }
  }
}

extension KeyLog {
  /// Calls a closure with the tags and ids of up to `KeyTags.chunkRows` keys at a time.
  ///
  /// Erased and retired keys have the id `UInt32.max`.
  ///
  /// - Throws: `corrupt` if keys do not hold.
  func forEachChunk(
    _ tags: KeyTags, from start: UInt32, without retired: RetiredIDs,
    _ body: (UnsafePointer<UInt64>, UnsafePointer<UInt32>, Int) -> Void
  ) throws(LarderError) {
    guard start < count else { return }
    try withScratch { (scratch) throws(LarderError) in
      for index in runs.run(of: start)..<runs.count {
        try verify(run: index)
        let run = unsafe runs.runs[index]
        let view = unsafe run.tails(stride: schema.stride)
        var slot = unsafe Int(max(run.first, start) - run.first)
        while unsafe slot < Int(run.count) {
          let rows = unsafe min(KeyTags.chunkRows, Int(run.count) - slot)
          let found = unsafe tags.tags(of: view, rows: slot..<slot + rows, scratch: scratch.tags)
          for row in 0..<rows {
            unsafe scratch.ids[row] = run.first + UInt32(slot + row)
          }
          if let erased = unsafe run.erased {
            for row in slot..<slot + rows {
              let isErased = unsafe erased[row / 64] >> UInt64(row % 64) & 1 == 1
              if isErased { unsafe scratch.ids[row - slot] = .max }
            }
          }
          unsafe retired.mask(scratch.ids, count: rows)
          unsafe body(found, scratch.ids, rows)
          slot += rows
        }
      }
    }
  }
}
