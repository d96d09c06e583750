import CLarderKernels
import LarderColumns
import LarderKeys

/// Where the rows of a window of keys were found.
///
/// Plain memory of the caller's, as long as the window.
@safe struct FoundWindow {
  let hashes: UnsafeMutablePointer<UInt64>
  let rows: UnsafeMutablePointer<UnsafeRawPointer?>
  let slots: UnsafeMutablePointer<UInt32>

  init(
    hashes: UnsafeMutablePointer<UInt64>, rows: UnsafeMutablePointer<UnsafeRawPointer?>,
    slots: UnsafeMutablePointer<UInt32>
  ) {
    unsafe self.hashes = hashes
    unsafe self.rows = rows
    unsafe self.slots = slots
  }
}

/// Memory for the answers of one window.
@safe final class WindowMemory {
  private let buffer = Buffer(zeroedBytes: KeyLookup.window * 20)

  /// The answers, valid while this object lives.
  var found: FoundWindow {
    let rows = unsafe buffer.base + KeyLookup.window * 8
    return unsafe FoundWindow(
      hashes: buffer.base.assumingMemoryBound(to: UInt64.self),
      rows: rows.assumingMemoryBound(to: UnsafeRawPointer?.self),
      slots: (rows + KeyLookup.window * 8).assumingMemoryBound(to: UInt32.self))
  }
}

/// Why a window of keys could not be answered.
enum WindowFailure {
  /// The reader's maps are behind: refresh them and search again.
  case stale
  /// A row that may be a key's does not match its checksum.
  case damaged(Slot)
}

extension KeyLookup {
  /// Keys that are searched for together.
  static let window = Int(LARDER_ONLINE_LANES)
  /// Whether the kernel has what it needs: checksums by the processor.
  static let hasKernel = larder_has_crc32c() != 0

  /// Searches for the keys of some rows, with the memory of all on its way at once.
  ///
  /// The kernel answers the plain cases; what it leaves open is searched for one by one.
  ///
  /// - Parameters:
  ///   - first: the first row; `count` are searched for, at most `window`.
  ///   - rowLines: cache lines that a row is expected to have.
  ///   - found: gets the answers; a row that is absent has no address.
  func find(
    _ keys: TableKeys, _ first: Int, _ count: Int, rowLines: Int, into found: FoundWindow
  ) -> WindowFailure? {
    precondition(count <= KeyLookup.window && first >= 0 && first + count <= keys.count)
    guard KeyLookup.hasKernel else {
      for lane in 0..<count {
        unsafe found.hashes[lane] = keys.lane(first &+ lane).hash
        unsafe found.rows[lane] = nil
        unsafe found.slots[lane] = LARDER_ONLINE_OPEN
      }
      return settle(keys, first, count, found, isSteady: false)
    }
    var tails = unsafe keys.kernelView
    var index = unsafe larder_online_index(
      lines: UnsafeRawPointer(index.base + IndexFormat.linesOffset), line_count: index.lines,
      table: UnsafeRawPointer(index.base + IndexFormat.table), logFiles: logFiles.references,
      logFile_count: UInt32(truncatingIfNeeded: logFiles.count),
      row_lines: UInt32(truncatingIfNeeded: rowLines))
    let buckets = max(1, self.index.loadAcquiring(IndexFormat.buckets))
    let relinks = self.index.loadAcquiring(IndexFormat.relinks)
    let missing = unsafe larder_online_find(
      &index, buckets, &tails, first, count, found.hashes, found.rows, found.slots)
    if missing == 0, !keys.hasMarks { return nil }
    // A chain that was searched to its end has no such key, if it was the right one all the time.
    let isSteady =
      self.index.loadAcquiring(IndexFormat.buckets) == buckets
      && self.index.loadAcquiring(IndexFormat.relinks) == relinks
    return settle(keys, first, count, found, isSteady: isSteady)
  }

  /// Searches with care for the rows that are not found yet.
  ///
  /// - Parameter isSteady: whether a slot of zero is a proof that there is no row.
  private func settle(
    _ keys: TableKeys, _ first: Int, _ count: Int, _ found: FoundWindow, isSteady: Bool
  ) -> WindowFailure? {
    for lane in 0..<count where unsafe found.rows[lane] == nil {
      if isSteady, unsafe found.slots[lane] == 0 { continue }
      if keys.hasMarks, !keys.hasKey(first &+ lane) { continue }
      let key = keys.lane(first &+ lane)
      switch unsafe find(found.hashes[lane], key.tail, key.bytes) {
      case .row(let record, let slot):
        unsafe found.rows[lane] = record.base
        unsafe found.slots[lane] = slot.bits
      case .absent: continue
      case .stale: return .stale
      case .damaged(let slot): return .damaged(slot)
      }
    }
    if keys.hasMarks {
      // What stands where a key is missing may be another's.
      for lane in 0..<count where !keys.hasKey(first &+ lane) {
        unsafe found.rows[lane] = nil
      }
    }
    return nil
  }
}
