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

  /// Brings the headers and validity words of some matches closer.
  func prefetchHeaders(_ matches: Matches, _ range: Range<Int>) {
    for match in range {
      let segment = Int(matches.segment[match])
      let row = Int(matches.row[match])
      guard let lanes = sources[segment].lanes, let validity = sources[segment].validity else {
        continue
      }
      unsafe larder_prefetch(lanes.headers + row &>> 10)
      if validity.mode == .bitmap || validity.mode == .sparse {
        unsafe larder_prefetch(validity.words + row &>> 6)
      }
    }
  }

  /// Brings the packed values of some matches closer, both ends of each load, and verifies pages.
  ///
  /// - Throws: `corrupt` if a page is damaged.
  func prefetchValues(_ matches: Matches, _ range: Range<Int>) throws(LarderError) {
    for match in range {
      let segment = Int(matches.segment[match])
      guard let lanes = sources[segment].lanes else { continue }
      let slot = slot(segment, Int(matches.row[match]))
      guard slot >= 0 else { continue }
      if let column = sources[segment].column, !column.isVerified(page: slot &>> 16) {
        try column.ensureVerified(page: slot &>> 16)
      }
      let address = unsafe lanes.address(of: slot)
      unsafe larder_prefetch(address)
      unsafe larder_prefetch(address + 7)
    }
  }

  /// Where a row's value lies among the stored ones; -1 if it is null.
  @inline(__always) private func slot(_ segment: Int, _ row: Int) -> Int {
    guard let validity = sources[segment].validity else { return -1 }
    switch validity.mode {
    case .none: return row
    case .allNull: return -1
    case .bitmap: return unsafe validity.isValid(row) ? row : -1
    case .sparse: return unsafe validity.isValid(row) ? validity.rank(row) : -1
    }
  }

  /// Writes values and validity bits of some matches.
  ///
  /// - Parameters:
  ///   - values: the chunk's part of the result's values, zeroed.
  ///   - validity: the chunk's part of the result's validity, zeroed.
  func extract(
    _ matches: Matches, _ range: Range<Int>, values: Lanes<UInt8>, validity: Lanes<UInt64>
  ) {
    switch width {
    case 8:
      let target = unsafe Lanes<UInt64>(
        UnsafeMutableRawPointer(values.base).assumingMemoryBound(to: UInt64.self),
        count: values.count / 8)
      switch sources.uniform {
      case .plain?:
        each(matches, range, validity) { source, slot, lane in
          guard let lanes = source.lanes else { return }
          target[lane] = unsafe UInt64(bitPattern: lanes.plainLane(at: slot))
        }
      case .double?:
        each(matches, range, validity) { source, slot, lane in
          guard let lanes = source.lanes else { return }
          target[lane] = unsafe lanes.double(at: slot).bitPattern
        }
      default:
        each(matches, range, validity) { source, slot, lane in target[lane] = source.bits(slot) }
      }
    case 4:
      let target = unsafe Lanes<UInt32>(
        UnsafeMutableRawPointer(values.base).assumingMemoryBound(to: UInt32.self),
        count: values.count / 4)
      if isCoded {
        each(matches, range, validity) { source, slot, lane in
          guard let codes = source.codes else { return }
          let code = Int(truncatingIfNeeded: source.bits(slot))
          target[lane] = Lanes<UInt32>(codes)[code]
        }
      } else {
        each(matches, range, validity) { source, slot, lane in
          target[lane] = UInt32(truncatingIfNeeded: source.bits(slot))
        }
      }
    default:
      let target = unsafe Lanes<UInt64>(
        UnsafeMutableRawPointer(values.base).assumingMemoryBound(to: UInt64.self),
        count: values.count / 8)
      each(matches, range, validity) { source, slot, lane in
        target[lane &>> 6] |= (source.bits(slot) & 1) &<< UInt64(lane & 63)
      }
    }
  }

  /// Calls a closure for each match that is not null, and marks it valid.
  @inline(__always) private func each(
    _ matches: Matches, _ range: Range<Int>, _ valid: Lanes<UInt64>,
    _ body: (_ source: borrowing GatherSource, _ slot: Int, _ lane: Int) -> Void
  ) {
    for match in range {
      let segment = Int(matches.segment[match])
      let slot = slot(segment, Int(matches.row[match]))
      guard slot >= 0 else { continue }
      let lane = Int(matches.lane[match])
      valid[lane &>> 6] |= 1 &<< UInt64(lane & 63)
      body(sources[segment], slot, lane)
    }
  }
}
