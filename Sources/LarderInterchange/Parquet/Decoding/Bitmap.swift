/// Copies bits from one place to another, least significant first.
///
/// - Parameters:
///   - source: holds the bits from `sourceBit` on; 8 readable bytes follow the last.
///   - target: gets them from `targetBit` on; bits outside the range stay as they are.
/// - Returns: how many of the bits are 1.
func copyBits(
  _ source: UnsafeRawPointer, from sourceBit: Int, to target: UnsafeMutableRawPointer,
  at targetBit: Int, count: Int
) -> Int {
  var ones = 0
  var done = 0
  while done < count {
    let to = targetBit &+ done
    let inByte = to & 7
    // Up to the end of a byte of the target first, then words of 56 bits that end with a byte.
    let span = min(count &- done, inByte == 0 ? 56 : 8 &- inByte)
    let from = sourceBit &+ done
    let word = unsafe source.loadUnaligned(fromByteOffset: from &>> 3, as: UInt64.self)
    let bits = word &>> UInt64(from & 7) & ((1 &<< UInt64(span)) &- 1)
    ones &+= bits.nonzeroBitCount
    var left = span
    var rest = bits
    var byte = to &>> 3
    var shift = inByte
    while left > 0 {
      let taken = min(left, 8 &- shift)
      let mask = UInt8(truncatingIfNeeded: ((1 &<< taken) &- 1) &<< shift)
      let old = unsafe target.load(fromByteOffset: byte, as: UInt8.self)
      let new = old & ~mask | UInt8(truncatingIfNeeded: rest &<< UInt64(shift)) & mask
      unsafe target.storeBytes(of: new, toByteOffset: byte, as: UInt8.self)
      rest &>>= UInt64(taken)
      left &-= taken
      byte &+= 1
      shift = 0
    }
    done &+= span
  }
  return ones
}

/// Sets a run of bits to one value; bits outside it stay as they are.
func fillBits(_ target: UnsafeMutableRawPointer, at first: Int, count: Int, with value: Bool) {
  guard count > 0 else { return }
  let last = first &+ count &- 1
  let headMask = UInt8(truncatingIfNeeded: 0xFF &<< (first & 7))
  let tailMask = UInt8(truncatingIfNeeded: 0xFF &>> (7 &- last & 7))
  let head = first &>> 3
  let tail = last &>> 3
  func blend(_ byte: Int, _ mask: UInt8) {
    let old = unsafe target.load(fromByteOffset: byte, as: UInt8.self)
    unsafe target.storeBytes(
      of: value ? old | mask : old & ~mask, toByteOffset: byte, as: UInt8.self)
  }
  if head == tail {
    blend(head, headMask & tailMask)
    return
  }
  blend(head, headMask)
  if tail > head &+ 1 {
    unsafe (target + head + 1).initializeMemory(
      as: UInt8.self, repeating: value ? 0xFF : 0, count: tail &- head &- 1)
  }
  blend(tail, tailMask)
}

/// One bit.
@inline(__always)
func bit(_ bits: UnsafeRawPointer, _ index: Int) -> Bool {
  unsafe bits.load(fromByteOffset: index &>> 3, as: UInt8.self) &>> UInt8(index & 7) & 1 == 1
}

/// Moves densely stored values apart so that each lies in the slot of its valid bit.
///
/// Each slot gets the value of the last valid slot up to it; so does a null's, which makes the
/// same loop right for end offsets. Slots before the first valid one get the filler.
///
/// - Parameters:
///   - values: `present` values at the start, room for `count`.
///   - bits: which of the `count` slots, from `firstBit` on, are valid: `present` of them.
func spread<T: BitwiseCopyable>(
  _ values: UnsafeMutablePointer<T>, count: Int, present: Int, bits: UnsafeRawPointer,
  firstBit: Int, filler: T
) {
  var from = present &- 1
  var to = count &- 1
  // Once as many values are left as slots, all are in their place.
  while to > from, from >= 0 {
    unsafe values[to] = values[from]
    from &-= unsafe bit(bits, firstBit &+ to) ? 1 : 0
    to &-= 1
  }
  while to > from {
    unsafe values[to] = filler
    to &-= 1
  }
}
