import CLarderKernels
import LarderColumns
import LarderFiles

/// The one writer of an index: inserts, replaces and removes entries, and splits buckets.
///
/// Each change is one release store to readers; a writer that dies between two stores leaves an
/// entry without a slot, a copy of an entry in a bucket where nobody looks for it, or a line that
/// no chain holds: space, never a wrong answer.
final class IndexWriter {
  private(set) var memory: IndexMemory
  /// The log files, for the hashes of rows when a bucket is split.
  var logFiles: LogFileTable
  let stride: Int
  /// Extends the index to at least so many lines.
  private let extend: (UInt64) throws(LarderError) -> IndexMemory

  /// Makes room ahead of need, if it is set; nil for an index in memory.
  private let room: IndexRoom?
  var preparesAhead = false

  /// Called when the memory is another one.
  var hasGrown: (() -> Void)?

  /// The entries of the bucket being split.
  var split = BucketSplit()

  /// Entries per bucket on average, in halves: thirteen are 6.5 of the 12 of a line.
  static let halfLoad: UInt64 = 13
  static let firstBuckets: UInt64 = 64

  init(
    _ memory: IndexMemory, logFiles: LogFileTable, stride: Int?, room: IndexRoom? = nil,
    extend: @escaping (UInt64) throws(LarderError) -> IndexMemory
  ) {
    self.memory = memory
    self.logFiles = logFiles
    self.stride = stride ?? 0
    self.room = room
    self.extend = extend
  }

  /// Lines that an index of so many buckets needs.
  static func lines(forBuckets buckets: UInt64) -> UInt64 { (buckets + 7) / 8 * 9 }

  private func chain(_ hash: UInt64) -> UInt64 {
    IndexFormat.line(
      ofBucket: IndexFormat.bucket(of: hash, count: memory.load(IndexFormat.buckets)))
  }

  /// Brings the line closer in which a hash belongs among so many buckets.
  @inline(__always) func prefetch(_ hash: UInt64, _ buckets: UInt64) {
    let line = IndexFormat.line(ofBucket: IndexFormat.bucket(of: hash, count: buckets))
    if line < memory.lines { unsafe larder_prefetch(memory.address(ofLine: line)) }
  }

  /// Brings the line closer in which a hash belongs.
  @inline(__always) func prefetch(_ hash: UInt64) {
    unsafe larder_prefetch(memory.address(ofLine: chain(hash)))
  }

  /// The line, if it is one; a damaged index may name others.
  func line(_ number: UInt64) throws(LarderError) -> IndexLine {
    guard number < memory.lines else { throw IndexWriter.damaged }
    return unsafe IndexLine(base: memory.address(ofLine: number))
  }

  static let damaged = LarderError(
    .corrupt, "The online table's key index contradicts itself; reopen the store to rebuild it.")

  // MARK: Entries

  /// Points the entry of one slot to another.
  ///
  /// - Returns: false if the bucket has no such entry.
  @inline(__always) func replace(
    _ hash: UInt64, old: UInt32, new: UInt32
  ) throws(LarderError) -> Bool {
    let memory = memory
    let tag = IndexFormat.tag(of: hash)
    var number = IndexFormat.line(
      ofBucket: IndexFormat.bucket(of: hash, count: memory.load(IndexFormat.buckets)))
    while true {
      guard number < memory.lines else { throw IndexWriter.damaged }
      let entries = unsafe IndexLine(base: memory.address(ofLine: number))
      var candidates = entries.candidates(tag)
      while let entry = candidates.next() {
        if entries.slot(entry) == old {
          if memory.beginStore() { entries.setSlot(entry, new) }
          return true
        }
      }
      let next = entries.next
      if next == 0 { return false }
      number = IndexFormat.line(ofOverflow: UInt64(next) - 1)
    }
  }

  /// Whether an entry names a slot.
  func holds(_ hash: UInt64, slot: UInt32) throws(LarderError) -> Bool {
    try replace(hash, old: slot, new: slot)
  }

  /// Takes the entry of a slot away.
  func remove(_ hash: UInt64, slot: UInt32) throws(LarderError) -> Bool {
    let isRemoved = try replace(hash, old: slot, new: 0)
    if isRemoved { memory.add(-1, IndexFormat.keys) }
    return isRemoved
  }

  /// Adds an entry for a key that has none, then splits a bucket if the load asks for it.
  func insert(_ hash: UInt64, slot: UInt32) throws(LarderError) {
    try place(hash, slot: slot, in: chain(hash))
    memory.add(1, IndexFormat.keys)
    try splitBuckets(inserts: 0)
  }

  /// Puts an entry into the first free place of a chain.
  func place(_ hash: UInt64, slot: UInt32, in start: UInt64) throws(LarderError) {
    let tag = IndexFormat.tag(of: hash)
    var last = start
    while true {
      let entries = try line(last)
      let empty = unsafe larder_online_empty(entries.base)
      if empty != 0 {
        let entry = empty.trailingZeroBitCount
        guard memory.beginStore() else { return }
        entries.setTag(entry, tag)
        guard memory.beginStore() else { return }
        entries.setSlot(entry, slot)
        return
      }
      let next = entries.next
      if next == 0 { break }
      last = IndexFormat.line(ofOverflow: UInt64(next) - 1)
    }
    let number = try takeOverflow()
    let fresh = try line(IndexFormat.line(ofOverflow: number))
    guard memory.beginStore() else { return }
    fresh.setTag(0, tag)
    fresh.setSlot(0, slot)
    guard memory.beginStore() else { return }
    // Found again: the memory may have moved when it grew.
    try line(last).setNext(UInt32(truncatingIfNeeded: number &+ 1))
  }

  /// A zeroed overflow line: one given back, else the next never used.
  private func takeOverflow() throws(LarderError) -> UInt64 {
    let free = memory.load(IndexFormat.firstFree)
    if free > 0 {
      let number = free - 1
      let freed = try line(IndexFormat.line(ofOverflow: number))
      memory.store(UInt64(freed.next), IndexFormat.firstFree)
      memory.clear(line: IndexFormat.line(ofOverflow: number))
      return number
    }
    let number = memory.load(IndexFormat.overflowUsed)
    if IndexFormat.line(ofOverflow: number) >= memory.lines {
      try grow(to: IndexFormat.line(ofOverflow: number) + 1)
    }
    memory.store(number + 1, IndexFormat.overflowUsed)
    memory.clear(line: IndexFormat.line(ofOverflow: number))
    return number
  }

  /// Makes room for so many more keys, so that publishing them needs none.
  ///
  /// - Throws: `noSpace`; then nothing changed.
  func reserve(inserts: Int) throws(LarderError) {
    let keys = memory.load(IndexFormat.keys) + UInt64(inserts)
    let buckets = keys * 2 / IndexWriter.halfLoad + 8
    // An eighth of the buckets have an overflow line at this load; a quarter is room enough.
    let needed = max(IndexWriter.lines(forBuckets: buckets), buckets / 4 * 9 / 2)
    if needed > memory.lines { try grow(to: needed) }
    if preparesAhead, needed > memory.lines / 4 * 3 { room?.prepare(beyond: memory.lines) }
  }

  func grow(to lines: UInt64) throws(LarderError) {
    memory = try extend(lines)
    hasGrown?()
  }
}
