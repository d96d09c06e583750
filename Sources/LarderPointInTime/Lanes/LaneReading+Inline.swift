import CLarderKernels
import LarderEncodings

// Reading single lanes of the two codecs that hot segments are full of, plain vectors and frames of
// 64, without a call. Whatever else there is goes through the encodings' own reader. The bits of a
// kind are those of `VectorKind`: 1 frames, 2 runs or deltas, 4 patches, 64 decimals, 128 singles.

/// A lane and whether it lies among the patches.
@inline(__always) @unsafe private func packedLane(
  _ view: PackedView, _ header: VectorHeader, _ row: Int
) -> (lane: Int64, isPatch: Bool) {
  let kind = header.kind.rawValue
  let width = Int(header.width)
  let index = row & 1_023
  let mask = laneMask(width)
  var start = unsafe view.body + Int(header.offset) &<< 3
  var bit = index &* width
  var base = header.base
  if kind & 3 == 1 {
    let baseBytes = header.frameBaseBytes
    unsafe start += (index &>> 6) &* (width &* 8 &+ baseBytes)
    let own = unsafe start.loadUnaligned(as: UInt64.self) & laneMask(baseBytes &* 8)
    base = base &+ Int64(bitPattern: own)
    unsafe start += baseBytes
    bit = (index & 63) &* width
  }
  let word = unsafe (start + bit &>> 3).loadUnaligned(as: UInt64.self) &>> UInt64(bit & 7) & mask
  return (base &+ Int64(bitPattern: word), kind & 4 != 0 && word == mask)
}

/// The lane of a row of a column of plain vectors.
@inline(__always) @unsafe func readPlain(_ view: PackedView, _ row: Int) -> Int64 {
  let header = unsafe view.headers[row &>> 10]
  let width = Int(header.width)
  let bit = (row & 1_023) &* width
  let address = unsafe view.body + (Int(header.offset) &<< 3 &+ bit &>> 3)
  let word = unsafe address.loadUnaligned(as: UInt64.self) &>> UInt64(bit & 7)
  return header.base &+ Int64(bitPattern: word & laneMask(width))
}

/// The lane of a row, whatever its vector's codec, times its page's scale.
@inline(__always) @unsafe func readLane(_ view: PackedView, _ row: Int) -> Int64 {
  let header = unsafe view.headers[row &>> 10]
  guard header.kind.rawValue & 2 == 0 else { return unsafe view.lane(at: row) }
  let (lane, isPatch) = unsafe packedLane(view, header, row)
  if isPatch { return unsafe view.lane(at: row) }
  return unsafe lane &* view.scales[row &>> 16]
}

/// The bits of the binary64 of a row of a float64 column.
@inline(__always) @unsafe func readDouble(_ view: PackedView, _ row: Int) -> UInt64 {
  let header = unsafe view.headers[row &>> 10]
  let kind = header.kind.rawValue
  guard kind & 2 == 0, kind & 128 == 0 else {
    return unsafe view.double(at: row).bitPattern
  }
  let (lane, isPatch) = unsafe packedLane(view, header, row)
  if isPatch { return unsafe view.double(at: row).bitPattern }
  if kind & 64 != 0 {
    return (Double(lane) / powerOfTen(header.exponent)).bitPattern
  }
  return UInt64(bitPattern: lane)
}

/// Brings the line of a row's packed number closer, both ends of its load, and that of its frame's
/// base.
@inline(__always) @unsafe func prefetchLane(_ view: PackedView, _ row: Int) {
  let header = unsafe view.headers[row &>> 10]
  let width = Int(header.width)
  let index = row & 1_023
  var address = unsafe view.body + (Int(header.offset) &<< 3 &+ (index &* width) &>> 3)
  if header.kind.rawValue & 3 == 1 {
    let baseBytes = header.frameBaseBytes
    let frame =
      unsafe view.body
      + (Int(header.offset) &<< 3 &+ (index &>> 6) &* (width &* 8 &+ baseBytes))
    unsafe larder_prefetch(frame)
    unsafe address = frame + (baseBytes &+ ((index & 63) &* width) &>> 3)
  }
  unsafe larder_prefetch(address)
  unsafe larder_prefetch(address + 7)
}
