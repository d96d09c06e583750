import CLarderKernels
import LarderColumns
import LarderEncodings
import LarderOffline

/// Gathers the values of one feature that have a fixed width, or are codes of texts.
struct FixedGather {
  /// Where the values lie.
  let sources: GatherSources
  /// Bytes of a value in the result: 8 or 4; 0 for bits.
  let width: Int
  /// Whether values are the segments' codes, to be turned into the result's.
  let isCoded: Bool
}

/// The matches of a batch, as plain lanes.
struct MatchLanes {
  let lane: Lanes<UInt32>
  let segment: Lanes<UInt32>
  let row: Lanes<UInt32>

  /// Some of them, as the kernels take them.
  @inline(__always) func part(_ range: Range<Int>) -> larder_matches {
    unsafe larder_matches(
      lanes: lane.base + range.lowerBound, segments: segment.base + range.lowerBound,
      rows: row.base + range.lowerBound, count: range.count)
  }
}

/// Where the values of a feature go: the chunk's part of the result, zeroed.
struct GatherTarget {
  let values: Lanes<UInt8>
  let validity: Lanes<UInt64>
  /// For each segment, 1 if all its pages are verified.
  let verified: Lanes<UInt8>
}

extension FixedGather {
  /// Brings the headers and validity words of some matches closer.
  func prefetchHeaders(_ matches: MatchLanes, _ range: Range<Int>) {
    let table = unsafe sources.table
    for match in range {
      let source = unsafe table + Int(matches.segment[match])
      let row = Int(matches.row[match])
      unsafe larder_prefetch(source.pointee.lanes.headers + row &>> 10)
      if unsafe source.pointee.mode >= ModeCode.bitmap {
        unsafe larder_prefetch(source.pointee.validity.words + row &>> 6)
      }
    }
  }

  /// Verifies the pages of some matches: of neighbours on one page, only the first asks.
  ///
  /// - Throws: `corrupt` if one is damaged.
  func verify(
    _ matches: MatchLanes, _ range: Range<Int>, _ verified: Lanes<UInt8>
  ) throws(LarderError) {
    let table = unsafe sources.table
    var last = -1
    var lastSegment = -1
    for match in range {
      let segment = Int(matches.segment[match])
      guard verified[segment] == 0 else { continue }
      let slot = unsafe table[segment].slot(Int(matches.row[match]))
      guard slot >= 0, slot >> 16 != last || segment != lastSegment else { continue }
      try sources.verify(segment, slot: slot)
      last = slot >> 16
      lastSegment = segment
    }
  }

  /// Brings the packed values of some matches closer, both ends of each load, and verifies pages.
  ///
  /// - Throws: `corrupt` if a page is damaged.
  func prefetchValues(
    _ matches: MatchLanes, _ range: Range<Int>, _ target: GatherTarget
  ) throws(LarderError) {
    let table = unsafe sources.table
    for match in range {
      let segment = Int(matches.segment[match])
      let source = unsafe table + segment
      let slot = unsafe source.pointee.slot(Int(matches.row[match]))
      guard slot >= 0 else { continue }
      if target.verified[segment] == 0 { try sources.verify(segment, slot: slot) }
      unsafe prefetchLane(source.pointee.lanes, slot)
    }
  }

  /// Writes values and validity bits of some matches.
  func extract(_ matches: MatchLanes, _ range: Range<Int>, _ target: GatherTarget) {
    switch width {
    case 8: extractWords(matches, range, target)
    case 4: extractHalves(matches, range, target)
    default:
      let bits = target.values.bound(to: UInt64.self)
      unsafe each(matches, range, target.validity) { source, slot, lane in
        let bit = unsafe source.pointee.bits(slot) & 1
        bits[lane &>> 6] |= bit &<< UInt64(lane & 63)
      }
    }
  }

  private func extractWords(_ matches: MatchLanes, _ range: Range<Int>, _ target: GatherTarget) {
    let words = target.values.bound(to: UInt64.self)
    switch sources.uniform {
    case .plain?:
      unsafe each(matches, range, target.validity) { source, slot, lane in
        words[lane] = unsafe UInt64(bitPattern: readPlain(source.pointee.lanes, slot))
      }
    case .lane?:
      unsafe each(matches, range, target.validity) { source, slot, lane in
        words[lane] = unsafe UInt64(bitPattern: readLane(source.pointee.lanes, slot))
      }
    case .double?:
      unsafe each(matches, range, target.validity) { source, slot, lane in
        words[lane] = unsafe readDouble(source.pointee.lanes, slot)
      }
    default:
      unsafe each(matches, range, target.validity) { source, slot, lane in
        words[lane] = unsafe source.pointee.bits(slot)
      }
    }
  }

  private func extractHalves(_ matches: MatchLanes, _ range: Range<Int>, _ target: GatherTarget) {
    let halves = target.values.bound(to: UInt32.self)
    if isCoded {
      unsafe each(matches, range, target.validity) { source, slot, lane in
        let code = unsafe Int(truncatingIfNeeded: readLane(source.pointee.lanes, slot))
        halves[lane] = unsafe source.pointee.codes[code]
      }
    } else {
      unsafe each(matches, range, target.validity) { source, slot, lane in
        halves[lane] = unsafe UInt32(truncatingIfNeeded: source.pointee.bits(slot))
      }
    }
  }

  /// Calls a closure for each match that is not null, and marks it valid.
  @inline(__always) private func each(
    _ matches: MatchLanes, _ range: Range<Int>, _ valid: Lanes<UInt64>,
    _ body: (_ source: UnsafePointer<GatherSource>, _ slot: Int, _ lane: Int) -> Void
  ) {
    let table = unsafe sources.table
    for match in range {
      let source = unsafe table + Int(matches.segment[match])
      let slot = unsafe source.pointee.slot(Int(matches.row[match]))
      guard slot >= 0 else { continue }
      let lane = Int(matches.lane[match])
      valid[lane &>> 6] |= 1 &<< UInt64(lane & 63)
      unsafe body(source, slot, lane)
    }
  }
}
