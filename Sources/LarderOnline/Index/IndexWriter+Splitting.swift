import CLarderKernels
import LarderColumns

/// The entries that a split moves.
struct BucketSplit {
  /// Hash and slot of each entry that goes to the new bucket.
  var moving: [(hash: UInt64, slot: UInt32)] = []
  /// For each line of the old chain which of its entries these are, and which are in use.
  var lines: [(moved: UInt16, used: UInt16)] = []
}

/// Linear hashing: the buckets are split in turn, one for every 6.5 keys.
extension IndexWriter {
  /// How many splits ahead a bucket's line and its rows are brought closer.
  private static let linesAhead: UInt64 = 32
  private static let rowsAhead: UInt64 = 16

  /// Splits buckets until there are enough for the keys and so many more.
  ///
  /// Done for a whole batch at once, since what the next splits touch is known: memory is on its way
  /// long before.
  func splitBuckets(inserts: Int) throws(LarderError) {
    let keys = memory.load(IndexFormat.keys) &+ UInt64(inserts)
    var buckets = memory.load(IndexFormat.buckets)
    guard keys &* 2 > buckets &* IndexWriter.halfLoad else { return }
    if inserts > 0 {
      for ahead in 0..<IndexWriter.linesAhead { prefetchLine(splitAt: buckets &+ ahead) }
      for ahead in 0..<IndexWriter.rowsAhead { prefetchRows(splitAt: buckets &+ ahead) }
    }
    while keys &* 2 > buckets &* IndexWriter.halfLoad {
      prefetchLine(splitAt: buckets &+ IndexWriter.linesAhead)
      prefetchRows(splitAt: buckets &+ IndexWriter.rowsAhead)
      try splitBucket(buckets)
      buckets &+= 1
    }
  }

  /// The line of the bucket that is split when there are so many.
  @inline(__always) private func oldLine(splitAt buckets: UInt64) -> UInt64 {
    let low = UInt64(1) &<< UInt64(truncatingIfNeeded: 63 &- buckets.leadingZeroBitCount)
    return IndexFormat.line(ofBucket: buckets &- low)
  }

  @inline(__always) private func prefetchLine(splitAt buckets: UInt64) {
    let line = oldLine(splitAt: buckets)
    if line < memory.lines { unsafe larder_prefetch(memory.address(ofLine: line)) }
  }

  /// Brings the rows of a bucket closer that is split soon.
  private func prefetchRows(splitAt buckets: UInt64) {
    let number = oldLine(splitAt: buckets)
    guard number < memory.lines else { return }
    let entries = unsafe IndexLine(base: memory.address(ofLine: number))
    let logFiles = logFiles
    for entry in 0..<IndexFormat.entries {
      let slot = Slot(bits: entries.slot(entry))
      guard slot.bits != 0, slot.number < logFiles.count,
        let base = unsafe logFiles.references[slot.number].base
      else { continue }
      unsafe larder_prefetch(base + slot.unit &* LogFormat.unit)
    }
  }

  /// Splits the next bucket in turn in two.
  ///
  /// The new one is filled, then published by the count of buckets, then the moved entries go from
  /// the old one. A reader that looked into the wrong one sees another count and looks again.
  private func splitBucket(_ buckets: UInt64) throws(LarderError) {
    let needed = IndexWriter.lines(forBuckets: buckets + 1)
    if needed > memory.lines { try grow(to: needed) }
    let low = UInt64(1) << UInt64(63 - buckets.leadingZeroBitCount)
    let old = IndexFormat.line(ofBucket: buckets - low)
    let new = IndexFormat.line(ofBucket: buckets)
    try collect(old, movingTo: buckets, mask: low << 1 - 1)
    memory.clear(line: new)
    try fill(new)
    memory.store(buckets + 1, IndexFormat.buckets)
    try clearMoved(old)
  }

  /// Finishes a split that a writer died in.
  func finishSplit() throws(LarderError) {
    let buckets = memory.load(IndexFormat.buckets)
    guard buckets > IndexWriter.firstBuckets else { return }
    let last = buckets - 1
    let low = UInt64(1) << UInt64(63 - last.leadingZeroBitCount)
    let old = IndexFormat.line(ofBucket: last - low)
    try collect(old, movingTo: last, mask: low << 1 - 1)
    try clearMoved(old)
  }

  /// Puts the entries that move into a new bucket, which is empty.
  private func fill(_ start: UInt64) throws(LarderError) {
    let first = unsafe IndexLine(base: memory.address(ofLine: start))
    let moving = split.moving
    for (entry, (hash, slot)) in moving.prefix(IndexFormat.entries).enumerated() {
      guard memory.beginStore() else { return }
      first.setTag(entry, IndexFormat.tag(of: hash))
      first.setSlot(entry, slot)
    }
    for (hash, slot) in moving.dropFirst(IndexFormat.entries) {
      try place(hash, slot: slot, in: start)
    }
  }

  /// Finds the entries of a chain whose hashes belong to another bucket.
  private func collect(
    _ start: UInt64, movingTo bucket: UInt64, mask: UInt64
  ) throws(LarderError) {
    // Taken out of the object meanwhile: it is looked at once for all entries.
    var split = split
    self.split = BucketSplit()
    defer { self.split = split }
    split.moving.removeAll(keepingCapacity: true)
    split.lines.removeAll(keepingCapacity: true)
    let logFiles = logFiles
    var entries = try line(start)
    while true {
      var moved: UInt16 = 0
      var used: UInt16 = 0
      for entry in 0..<IndexFormat.entries {
        let slot = entries.slot(entry)
        if slot == 0 { continue }
        let bit = UInt16(1) &<< UInt16(truncatingIfNeeded: entry)
        used |= bit
        // An entry of a damaged row stays where it is; whoever looks for it is told.
        guard let hash = logFiles.hash(of: Slot(bits: slot), stride: stride) else { continue }
        if hash & mask == bucket {
          split.moving.append((hash, slot))
          moved |= bit
        }
      }
      split.lines.append((moved, used))
      let next = entries.next
      if next == 0 { return }
      entries = try line(IndexFormat.line(ofOverflow: UInt64(next) - 1))
    }
  }

  /// Takes the moved entries out of their old chain, and gives lines back that are empty.
  private func clearMoved(_ start: UInt64) throws(LarderError) {
    if split.moving.isEmpty { return }
    var entries = try line(start)
    var isFirst = true
    var previous = entries
    for (moved, used) in split.lines {
      var left = moved
      while left != 0 {
        guard memory.beginStore() else { return }
        entries.setSlot(left.trailingZeroBitCount, 0)
        left &= left &- 1
      }
      let next = entries.next
      if used == moved, !isFirst {
        let number = UInt64(previous.next) - 1
        guard memory.beginStore() else { return }
        previous.setNext(next)
        // Readers that stand on the line see this and look again.
        memory.add(1, IndexFormat.relinks)
        guard memory.beginStore() else { return }
        entries.setNext(UInt32(truncatingIfNeeded: memory.load(IndexFormat.firstFree)))
        memory.store(number + 1, IndexFormat.firstFree)
      } else {
        previous = entries
      }
      isFirst = false
      if next == 0 { return }
      entries = try line(IndexFormat.line(ofOverflow: UInt64(next) - 1))
    }
  }
}

extension LogFileTable {
  /// The hash of the key of the row at a slot; nil if the slot names no row.
  ///
  /// - Parameter stride: bytes of every tail; 0 if they vary.
  @inline(__always) func hash(of slot: Slot, stride: Int) -> UInt64? {
    guard slot.number < count else { return nil }
    let reference = unsafe references[slot.number]
    guard let base = unsafe reference.base, unsafe slot.unit < Int(reference.units) else {
      return nil
    }
    let record = unsafe Record(base: base + slot.unit &* LogFormat.unit)
    let room = unsafe Int(reference.units) &- slot.unit
    guard record.units >= 1, record.units <= room, record.isBounded else { return nil }
    if stride > 0, record.keyBytes != stride { return nil }
    let tail = unsafe (record.base + Record.rowHeaderBytes).assumingMemoryBound(to: UInt8.self)
    return unsafe keyHash(tail, record.keyBytes, stride)
  }
}
