// Single values of vectors with frames, runs, deltas or patches. Each costs at most one or two
// lines more than a plain one; only deltas add up to 63 numbers.

extension PackedView {
  /// The slot of a row, whatever its vector's codec.
  @unsafe package func slot(_ header: VectorHeader, _ row: Int) -> (value: Int64, isPatch: Bool) {
    let index = row & 1_023
    let inVector = min(1_024, count - (row & ~1_023))
    let width = Int(header.width)
    let vectorBody = unsafe body + Int(header.offset) << 3
    switch header.codec {
    case 0:
      let word = unsafe Self.packed(body, header, index)
      if header.kind.contains(.patched), word == laneMask(width) {
        let patches = unsafe vectorBody + Packing.bytes(inVector, width)
        if let patch = unsafe Patches.value(patches, header, index: index) { return (patch, true) }
      }
      return (header.base &+ Int64(bitPattern: word), false)
    case 1:
      let word = unsafe Frames.packed(vectorBody, header, index)
      if header.kind.contains(.patched), word == laneMask(width) {
        let bytes = Frames.bytes(inVector, width, header.frameBaseBytes)
        let patches = unsafe vectorBody + bytes
        if let patch = unsafe Patches.value(patches, header, index: index) { return (patch, true) }
      }
      return (unsafe Frames.base(vectorBody, header, index) &+ Int64(bitPattern: word), false)
    case 2: return (unsafe RunLength.lane(vectorBody, header, index), false)
    default:
      return (unsafe AnchoredDelta.lane(vectorBody, header, index, count: inVector), false)
    }
  }

  /// The lane of a row of a vector that is not plain.
  @usableFromInline @unsafe package func uncommonLane(_ header: VectorHeader, _ row: Int) -> Int64 {
    unsafe slot(header, row).value
  }

  /// The binary64 of a row of a vector that is neither plain nor of unpatched decimals.
  @usableFromInline @unsafe package func uncommonDouble(
    _ header: VectorHeader, _ row: Int
  ) -> Double {
    let (lane, isPatch) = unsafe slot(header, row)
    if header.kind.contains(.decimal), !isPatch {
      return Double(lane) / powerOfTen(header.exponent)
    }
    if header.kind.contains(.single), !isPatch {
      return Double(Float(bitPattern: UInt32(truncatingIfNeeded: lane)))
    }
    return Double(bitPattern: UInt64(bitPattern: lane))
  }

  /// The binary32 of a row of a vector that is not plain.
  @usableFromInline @unsafe package func uncommonFloat(
    _ header: VectorHeader, _ row: Int
  ) -> Float {
    let (lane, isPatch) = unsafe slot(header, row)
    if header.kind.contains(.decimal), !isPatch {
      return Float(Double(lane) / powerOfTen(header.exponent))
    }
    return Float(bitPattern: UInt32(truncatingIfNeeded: lane))
  }
}
