extension VectorHeader {
  /// Bytes of the body as far as the header tells, or nil if it is impossible.
  ///
  /// Deltas keep the width of their anchors in the body; `isSound` checks them.
  package func leastBodyBytes(_ count: Int) -> Int? {
    guard width <= 57 || width == 64 else { return nil }
    let width = Int(width)
    let extras = extraCount
    guard extras <= count else { return nil }
    if !kind.contains(.patched), kind.contains(.narrowPatches) || (codec != 2 && extras > 0) {
      return nil
    }
    if codec != 1, kind.rawValue & 0x30 != 0 { return nil }
    if !kind.contains(.decimal), exponent != 0 { return nil }
    let patchBytes = kind.contains(.patched) ? Patches.bytes(extras, kind) : 0
    switch codec {
    case 0: return Packing.bytes(count, width) + patchBytes
    case 1: return Frames.bytes(count, width, frameBaseBytes) + patchBytes
    case 2:
      guard extras >= 1, !kind.contains(.patched) else { return nil }
      return RunLength.bytes(extras, width)
    default: return AnchoredDelta.bytes(count, width, anchorWidth: 0) + patchBytes
    }
  }

  /// Whether a body's own counts and positions stay inside it, and single reads find in it what bulk
  /// reads do.
  ///
  /// Codes and offsets are checked in bulk when a page is first touched, and then followed one by
  /// one. So a patch must lie where a single read looks for it: at a packed number of all ones, and
  /// among deltas not at an anchor.
  ///
  /// - Parameters:
  ///   - body: at least `leastBodyBytes` bytes.
  ///   - available: bytes from `body` to the end of its page.
  @unsafe package func isSound(
    _ body: UnsafeRawPointer, _ count: Int, available: Int
  ) -> Bool {
    let width = Int(width)
    var patches = unsafe body
    switch codec {
    case 0: unsafe patches += Packing.bytes(count, width)
    case 1: unsafe patches += Frames.bytes(count, width, frameBaseBytes)
    case 2:
      var before = 0
      for run in 0..<extraCount {
        let end = unsafe RunLength.end(body, self, run: run)
        guard end > before, end <= count else { return false }
        before = end
      }
      return before == count
    default:
      let anchorWidth = unsafe AnchoredDelta.anchorWidth(body)
      guard anchorWidth <= 57 || anchorWidth == 64 else { return false }
      let bytes = AnchoredDelta.bytes(count, width, anchorWidth: anchorWidth)
      let patchBytes = kind.contains(.patched) ? Patches.bytes(extraCount, kind) : 0
      guard bytes + patchBytes <= available else { return false }
      unsafe patches += bytes
    }
    guard kind.contains(.patched) else { return true }
    var before = -1
    for ordinal in 0..<extraCount {
      let position = unsafe Patches.position(patches, self, ordinal: ordinal)
      guard position > before, position < count,
        unsafe packed(body, count, position) == laneMask(width), codec != 3 || position & 63 != 0
      else { return false }
      before = position
    }
    return true
  }

  /// The number packed at a position of a vector that has patches.
  @unsafe private func packed(
    _ body: UnsafeRawPointer, _ count: Int, _ position: Int
  ) -> UInt64 {
    if codec == 1 { return unsafe Frames.packed(body, self, position) }
    let start =
      codec == 0
      ? unsafe body
      : unsafe body + AnchoredDelta.bytes(count, 0, anchorWidth: AnchoredDelta.anchorWidth(body))
    let bit = position &* Int(width)
    let word = unsafe (start + bit &>> 3).loadUnaligned(as: UInt64.self) &>> UInt64(bit & 7)
    return word & laneMask(Int(width))
  }
}
