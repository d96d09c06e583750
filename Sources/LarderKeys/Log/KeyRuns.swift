import CLarderKernels
import LarderColumns

/// Key tails by id: runs in memory or in a mapped file, and a directory that finds an id's run.
///
/// Append-only. One thread appends; what others read was handed to them afterwards.
@safe final class KeyRuns: @unchecked Sendable {
  /// The runs, in order of id.
  private(set) var runs: UnsafeMutablePointer<larder_key_run>
  private(set) var count = 0
  private var capacity: Int
  /// For each block of ids the run that holds the block's first, and once more the last run.
  private var blocks: UnsafeMutablePointer<UInt32>
  private var blockCapacity: Int
  /// The first id.
  let first: UInt32
  /// The id after the last.
  private(set) var end: UInt32
  /// Bytes of every tail, or nil if they vary.
  let stride: Int?
  /// What the runs' memory belongs to.
  private(set) var owners: [any AnyObject & Sendable] = []

  private static let blockKeys = 4_096

  /// Makes an empty directory of the ids from `first` on.
  init(first: UInt32, stride: Int?) {
    self.first = first
    end = first
    self.stride = stride
    capacity = 16
    blockCapacity = 16
    unsafe runs = .allocate(capacity: capacity)
    unsafe blocks = .allocate(capacity: blockCapacity)
    unsafe blocks[0] = 0
  }

  deinit {
    unsafe runs.deallocate()
    unsafe blocks.deallocate()
  }

  /// The form in which kernels take it; valid while this object lives and nothing is appended.
  var view: larder_key_runs {
    unsafe larder_key_runs(
      runs: runs, blocks: blocks, stride: stride ?? 0, run_count: UInt32(count), first: first,
      end: end, spare: 0)
  }

  /// Keeps the owner of runs' memory.
  func keep(_ owner: any AnyObject & Sendable) { owners.append(owner) }

  /// Adds the run of the next ids.
  ///
  /// - Precondition: the run begins at `end` and is not empty.
  func append(_ run: larder_key_run) {
    unsafe precondition(run.first == end && run.count > 0)
    if count == capacity {
      unsafe runs = Self.grown(runs, from: capacity, to: capacity * 2)
      capacity *= 2
    }
    unsafe runs[count] = run
    unsafe end += run.count
    // Blocks whose first id lies in the new run; then the closing entry moves on.
    let old = unsafe Int(run.first - first + UInt32(Self.blockKeys - 1)) / Self.blockKeys
    let new = (Int(end - first) + Self.blockKeys - 1) / Self.blockKeys
    if new + 1 > blockCapacity {
      let wanted = max(new + 1, blockCapacity * 2)
      unsafe blocks = Self.grown(blocks, from: blockCapacity, to: wanted)
      blockCapacity = wanted
    }
    if new > old { for block in old..<new { unsafe blocks[block] = UInt32(count) } }
    unsafe blocks[new] = UInt32(count)
    count += 1
  }

  /// Extends the last run by keys written behind its last one.
  func extendLast(by keys: UInt32) {
    precondition(count > 0)
    unsafe runs[count - 1].count += keys
    let old = (Int(end - first) + Self.blockKeys - 1) / Self.blockKeys
    end += keys
    let new = (Int(end - first) + Self.blockKeys - 1) / Self.blockKeys
    if new + 1 > blockCapacity {
      unsafe blocks = Self.grown(blocks, from: blockCapacity, to: blockCapacity * 2 + new)
      blockCapacity = blockCapacity * 2 + new
    }
    for block in old...new { unsafe blocks[block] = UInt32(count - 1) }
  }

  /// The run that holds an id.
  ///
  /// - Precondition: `first <= id < end`.
  /// - Complexity: O(log(runs within 4,096 ids)).
  func run(of id: UInt32) -> Int {
    precondition(id >= first && id < end)
    let block = Int(id - first) / Self.blockKeys
    var low = unsafe Int(blocks[block])
    var high = unsafe Int(blocks[block + 1]) + 1
    while high - low > 1 {
      let middle = (low + high) / 2
      if unsafe runs[middle].first <= id { low = middle } else { high = middle }
    }
    return low
  }

  /// The tail of an id; nil if it was erased.
  ///
  /// The run's bytes must have been checked.
  ///
  /// - Precondition: `first <= id < end`.
  func tail(of id: UInt32) -> UnsafeRawBufferPointer? {
    let run = unsafe runs[run(of: id)]
    let slot = unsafe Int(id - run.first)
    if let erased = unsafe run.erased, unsafe erased[slot / 64] >> UInt64(slot % 64) & 1 == 1 {
      return nil
    }
    if let stride {
      return unsafe UnsafeRawBufferPointer(start: run.tails + slot * stride, count: stride)
    }
    guard let offsets = unsafe run.offsets else { return nil }
    let start = unsafe Int(offsets[slot])
    return unsafe UnsafeRawBufferPointer(
      start: run.tails + start, count: Int(offsets[slot + 1]) - start)
  }

  private static func grown<T>(
    _ old: UnsafeMutablePointer<T>, from count: Int, to capacity: Int
  ) -> UnsafeMutablePointer<T> {
    let new = UnsafeMutablePointer<T>.allocate(capacity: capacity)
    unsafe new.moveInitialize(from: old, count: count)
    unsafe old.deallocate()
    return unsafe new
  }
}
