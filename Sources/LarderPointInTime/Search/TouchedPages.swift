import LarderColumns
import LarderOffline

/// Which pages of 65,536 rows of a view's segments one worker has read from.
@safe struct TouchedPages {
  /// For each segment, where its pages begin in `flags`.
  private let starts: Lanes<UInt32>
  /// 1 for each page that was read from.
  private let flags: Lanes<UInt8>

  /// - Parameters:
  ///   - rows: of each segment, by ordinal.
  ///   - arena: what keeps the memory.
  init(_ rows: [Int], _ arena: LaneArena) {
    starts = arena.lanes(rows.count + 1)
    var pages = 0
    for (ordinal, count) in rows.enumerated() {
      starts[ordinal] = UInt32(truncatingIfNeeded: pages)
      pages += (count + Limits.pageRows - 1) / Limits.pageRows
    }
    starts[rows.count] = UInt32(truncatingIfNeeded: pages)
    // One more: an empty block at the end of a segment's last page names the page after it.
    flags = arena.lanes(pages + 1)
  }

  /// Notes that a row was read.
  @inline(__always) func note(_ segment: Int, _ row: Int) {
    flags[Int(starts[segment]) &+ row &>> 16] = 1
  }

  /// Adds what another worker read.
  func add(_ other: TouchedPages) {
    for page in 0..<flags.count where other.flags[page] == 1 { flags[page] = 1 }
  }

  /// The pages of a segment that were read from.
  func pages(of segment: Int) -> [Int] {
    let start = Int(starts[segment])
    return (start..<Int(starts[segment + 1])).filter { flags[$0] == 1 }.map { $0 - start }
  }
}
