import CLarderKernels
import LarderColumns
import LarderFiles
import Synchronization

/// The bytes of a key index: a mapped file shared between processes, or memory of one's own.
///
/// Only one writer stores into it; readers load word by word and check what they found against the
/// row itself, so a wrong index can hide a row but never give a wrong one.
@safe final class IndexMemory: @unchecked Sendable {
  let base: UnsafeMutableRawPointer
  /// Lines that the bytes have room for.
  let lines: UInt64
  let bytes: Int
  private let owner: AnyObject
  private let map: MappedFile?
  private let countsStores: Bool

  /// Takes a mapped file.
  init(_ map: MappedFile) throws(LarderError) {
    guard let start = unsafe map.bytes.baseAddress,
      unsafe map.bytes.count >= IndexFormat.linesOffset
    else {
      throw LarderError(.corrupt, "The key index is shorter than its header.", file: map.path)
    }
    unsafe base = UnsafeMutableRawPointer(mutating: start)
    unsafe bytes = map.bytes.count
    lines = UInt64((bytes - IndexFormat.linesOffset) / IndexFormat.line)
    owner = map
    self.map = map
    countsStores = map.countsStores
  }

  /// Takes memory of this process alone.
  init(_ buffer: Buffer) {
    unsafe base = buffer.base
    bytes = buffer.count
    lines = UInt64((bytes - IndexFormat.linesOffset) / IndexFormat.line)
    owner = buffer
    map = nil
    countsStores = false
  }

  /// Whether somebody cut the file short: then it hides rows.
  var isTruncated: Bool { map?.isTruncated ?? false }

  /// Called before a store that readers see; false if this process is dead, in a simulation.
  @inline(__always) func beginStore() -> Bool { !countsStores || map?.beginStore() ?? true }

  // MARK: Words

  @inline(__always) func load(_ offset: Int) -> UInt64 {
    let word = unsafe (base + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
    return unsafe word.pointee.load(ordering: .relaxed)
  }

  /// Loads a word, and sees all that was stored before it.
  @inline(__always) func loadAcquiring(_ offset: Int) -> UInt64 {
    let word = unsafe (base + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
    return unsafe word.pointee.load(ordering: .acquiring)
  }

  /// Stores a word; whoever sees it sees what was stored before.
  @inline(__always) func store(_ value: UInt64, _ offset: Int) {
    guard beginStore() else { return }
    let word = unsafe (base + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
    unsafe word.pointee.store(value, ordering: .releasing)
  }

  func add(_ difference: Int64, _ offset: Int) {
    store(load(offset) &+ UInt64(bitPattern: difference), offset)
  }

  // MARK: Log files

  /// The sequence number of the log file that has a number now; 0 for none.
  @inline(__always) func sequence(ofNumber number: Int) -> UInt64 {
    loadAcquiring(IndexFormat.table &+ number &* IndexFormat.tableEntry)
  }
  func inode(ofNumber number: Int) -> UInt64 {
    load(IndexFormat.table + number * IndexFormat.tableEntry + 8)
  }
  func liveUnits(ofNumber number: Int) -> Int {
    Int(truncatingIfNeeded: load(IndexFormat.table + number * IndexFormat.tableEntry + 16))
  }
  @inline(__always) func addLive(_ units: Int, number: Int) {
    add(Int64(units), IndexFormat.table &+ number &* IndexFormat.tableEntry &+ 16)
  }
  func setLogFile(number: Int, sequence: UInt64, inode: UInt64) {
    let entry = IndexFormat.table + number * IndexFormat.tableEntry
    store(inode, entry + 8)
    store(0, entry + 16)
    store(sequence, entry)
  }
  func clearLogFile(number: Int) {
    store(0, IndexFormat.table + number * IndexFormat.tableEntry)
  }

  // MARK: Lines

  /// Where a line lies.
  ///
  /// - Precondition: `line < lines`.
  @inline(__always) func address(ofLine line: UInt64) -> UnsafeMutableRawPointer {
    unsafe base + (IndexFormat.linesOffset &+ Int(truncatingIfNeeded: line) &* IndexFormat.line)
  }

  /// Zeros a line.
  func clear(line: UInt64) {
    guard beginStore() else { return }
    unsafe memset64(address(ofLine: line))
  }
}

private func memset64(_ line: UnsafeMutableRawPointer) {
  for word in 0..<8 { unsafe line.storeBytes(of: 0, toByteOffset: word * 8, as: UInt64.self) }
}

/// One line of an index in place: twelve tags, the number of the next overflow line, twelve slots.
@safe struct IndexLine {
  let base: UnsafeMutableRawPointer

  @inline(__always) init(base: UnsafeMutableRawPointer) { unsafe self.base = base }

  @inline(__always) func tag(_ entry: Int) -> UInt8 {
    unsafe base.load(fromByteOffset: entry, as: UInt8.self)
  }
  @inline(__always) func setTag(_ entry: Int, _ tag: UInt8) {
    let word = unsafe (base + entry).assumingMemoryBound(to: Atomic<UInt8>.self)
    unsafe word.pointee.store(tag, ordering: .relaxed)
  }
  @inline(__always) func slot(_ entry: Int) -> UInt32 {
    let word = unsafe (base + (IndexFormat.slots &+ entry &* 4))
      .assumingMemoryBound(to: Atomic<UInt32>.self)
    return unsafe word.pointee.load(ordering: .acquiring)
  }
  /// The one store that publishes a row.
  @inline(__always) func setSlot(_ entry: Int, _ slot: UInt32) {
    let word = unsafe (base + (IndexFormat.slots &+ entry &* 4))
      .assumingMemoryBound(to: Atomic<UInt32>.self)
    unsafe word.pointee.store(slot, ordering: .releasing)
  }
  /// The next overflow line's number plus one; 0 for none.
  @inline(__always) var next: UInt32 {
    let word = unsafe (base + IndexFormat.next).assumingMemoryBound(to: Atomic<UInt32>.self)
    return unsafe word.pointee.load(ordering: .acquiring)
  }
  @inline(__always) func setNext(_ next: UInt32) {
    let word = unsafe (base + IndexFormat.next).assumingMemoryBound(to: Atomic<UInt32>.self)
    unsafe word.pointee.store(next, ordering: .releasing)
  }

  /// Entries whose tag may be the one sought: one bit each, now and then one too many.
  ///
  /// A byte of `x` is zero where the tag fits; the subtraction borrows into the high bit of such
  /// bytes (and sometimes of one above a fitting one, which the row's key then sorts out).
  @inline(__always) func candidates(_ tag: UInt8) -> Candidates {
    let pattern = UInt64(tag) &* 0x0101_0101_0101_0101
    let low = unsafe base.load(as: UInt64.self) ^ pattern
    let high =
      unsafe UInt64(base.load(fromByteOffset: 8, as: UInt32.self))
      ^ (pattern & 0xFFFF_FFFF)
    let ones: UInt64 = 0x0101_0101_0101_0101
    let tops: UInt64 = 0x8080_8080_8080_8080
    return Candidates(
      low: (low &- ones) & ~low & tops,
      high: ((high | 0xFFFF_FFFF_0000_0000) &- ones) & ~high & 0x8080_8080)
  }

  /// A set of entries.
  struct Candidates {
    var low: UInt64
    var high: UInt64

    /// Takes the first entry out; nil if there is none.
    @inline(__always) mutating func next() -> Int? {
      if low != 0 {
        let bit = low.trailingZeroBitCount
        low &= low &- 1
        return bit &>> 3
      }
      if high != 0 {
        let bit = high.trailingZeroBitCount
        high &= high &- 1
        return 8 &+ bit &>> 3
      }
      return nil
    }
  }
}
