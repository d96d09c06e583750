import LarderColumns
import LarderEncodings
import LarderFiles
import LarderOffline
import Synchronization

/// A timeline in a file, read in place: each 64 KiB are verified when they are first touched.
///
/// Derived from segments: one that is absent, of another set of segments, or damaged is passed over
/// and made again.
@safe final class TimelineFile: @unchecked Sendable {
  /// The path, for messages.
  let path: String
  /// The segments it covers, in the order of their ordinals.
  var segments: [TimelineFormat.Covered] { format.segments }
  /// The view whose entities it tells of.
  var viewID: UInt64 { format.viewID }
  /// For each id, its run or where its entries are.
  let heads: Lanes<TimelineHead>
  /// The entries.
  let entries: Lanes<TimelineEntry>
  /// Ids below this may have runs.
  var ids: Int { format.ids }
  /// Whether all blocks are verified, so that none need be asked for.
  var isWhollyVerified: Bool { missing.load(ordering: .acquiring) == 0 }

  private let format: TimelineFormat
  private let map: MappedFile
  private let verified: VerifiedPages
  /// How many blocks are not verified.
  private let missing: Atomic<Int>

  /// Opens a file and checks its header and directory.
  ///
  /// - Throws: `notFound`; `corrupt`; `unsupportedVersion`; errors of the file system.
  /// - Complexity: O(file / 64 KiB).
  init(_ path: String, in files: any FileSystem) throws(LarderError) {
    let file = try files.open(path, .read)
    format = try TimelineFormat(file)
    self.path = path
    map = try file.map(bytes: format.bodyStart + format.bodyBytes)
    verified = VerifiedPages(format.blocks)
    missing = Atomic(format.blocks)
    guard let start = unsafe map.bytes.baseAddress else {
      throw LarderError(.corrupt, "The timeline is empty.", file: path)
    }
    let body = unsafe UnsafeMutableRawPointer(mutating: start + format.bodyStart)
    heads = unsafe Lanes(
      body.assumingMemoryBound(to: TimelineHead.self), count: format.ids)
    entries = unsafe Lanes(
      (body + format.ids * 8).assumingMemoryBound(to: TimelineEntry.self), count: format.entries)
  }

  /// Verifies the block that a head lies in.
  ///
  /// - Throws: `corrupt` if it is damaged.
  @inline(__always) func ensureVerified(head: Int) throws(LarderError) {
    let block = head >> 13
    if !verified.contains(block) { try verify(block) }
  }

  /// Verifies the blocks that entries lie in.
  ///
  /// - Throws: `corrupt` if they are damaged.
  func ensureVerified(entries range: Range<Int>) throws(LarderError) {
    guard !range.isEmpty else { return }
    let start = ids * 8
    let stride = MemoryLayout<TimelineEntry>.stride
    let first = (start + range.lowerBound * stride) / TimelineFormat.blockBytes
    let last = (start + range.upperBound * stride - 1) / TimelineFormat.blockBytes
    for block in first...last where !verified.contains(block) { try verify(block) }
  }

  /// Verifies all blocks.
  ///
  /// - Throws: `corrupt` with the offset of the first that is damaged.
  func ensureVerified() throws(LarderError) {
    if isWhollyVerified { return }
    for block in 0..<format.blocks where !verified.contains(block) { try verify(block) }
  }

  @inline(never) private func verify(_ block: Int) throws(LarderError) {
    let start = format.bodyStart + block * TimelineFormat.blockBytes
    let end = min(start + TimelineFormat.blockBytes, format.bodyStart + format.bodyBytes)
    let bytes = unsafe UnsafeRawBufferPointer(rebasing: map.bytes[start..<end])
    guard unsafe XXH3.hash64(bytes, seed: format.blockSeed(block)) == format.sums[block] else {
      throw LarderError(
        .corrupt,
        "Block \(block) of the timeline does not match its checksum. Remove the file: it "
          + "is derived.", file: path, offset: UInt64(start))
    }
    guard isSound(block) else {
      throw LarderError(
        .corrupt,
        "Block \(block) of the timeline names rows that no segment has. Remove the file: "
          + "it is derived.", file: path, offset: UInt64(start))
    }
    // Two threads may verify a block at a time; it is counted once.
    if verified.insertNew(block) { missing.subtract(1, ordering: .acquiringAndReleasing) }
  }

  /// Whether what lies in a block leads nowhere outside of the segments.
  ///
  /// Someone may have recomputed the checksums. An entry on the border of two blocks is checked with
  /// either.
  private func isSound(_ block: Int) -> Bool {
    let from = block * TimelineFormat.blockBytes
    let to = min(from + TimelineFormat.blockBytes, format.bodyBytes)
    let headBytes = ids * 8
    var faults = 0
    if from < headBytes {
      for id in (from / 8)..<(min(to, headBytes) / 8) {
        let head = heads[id]
        if head.isRun {
          faults +=
            head.rows <= TimelineHead.rows && fits(head.segment, head.start, head.rows)
            ? 0 : 1
        } else {
          let end = UInt64(head.firstEntry) + UInt64(head.entryCount)
          faults += end <= UInt64(entries.count) ? 0 : 1
        }
      }
    }
    if to > headBytes {
      let stride = MemoryLayout<TimelineEntry>.stride
      let first = max(0, from - headBytes) / stride
      let end = (to - headBytes + stride - 1) / stride
      for index in first..<end {
        let entry = entries[index]
        faults += fits(entry.segment, entry.start, entry.rows) ? 0 : 1
      }
    }
    return faults == 0
  }

  private func fits(_ segment: Int, _ start: Int, _ rows: Int) -> Bool {
    segment < segments.count && rows > 0 && start + rows <= segments[segment].rows
  }
}
