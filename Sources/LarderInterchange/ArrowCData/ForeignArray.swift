import CLarder
import LarderColumns

/// An array that another library filled, released exactly once: when the last buffer taken from it
/// goes, or at once if none was.
@safe final class ForeignArray: @unchecked Sendable {
  /// The array's own struct; its buffers stay where they are.
  let array: ArrowArray

  /// Takes an array over, as the specification says: by copying the struct and marking the
  /// original released.
  init(moving source: UnsafeMutablePointer<ArrowArray>) {
    unsafe array = source.pointee
    unsafe source.pointee.release = nil
  }

  deinit {
    var array = unsafe self.array
    if let release = unsafe array.release { unsafe release(&array) }
  }

  /// How far past the end of a buffer the engine reads.
  private static let overshoot = 8
  /// The least page of memory there is: within one, all bytes are readable or none.
  private static let page: UInt = 4_096

  /// Bytes of the array, shared where they are aligned and may be read a little past their end,
  /// else copied.
  ///
  /// - Parameters:
  ///   - start: their place; may be nil where there are none.
  ///   - alignment: of the values in them, a power of two.
  func buffer(
    _ start: UnsafeRawPointer?, count: Int, alignment: UInt = 8
  ) throws(LarderError) -> Buffer {
    if count == 0 { return Buffer(uninitializedBytes: 0) }
    guard let start = unsafe start else {
      throw .malformed("An array lacks a buffer of \(count) bytes.")
    }
    let end = UInt(bitPattern: start) &+ UInt(count)
    let last = end &- 1
    let overshot = last &+ UInt(ForeignArray.overshoot)
    let sharesPage = last / ForeignArray.page == overshot / ForeignArray.page
    if sharesPage, UInt(bitPattern: start) & (alignment - 1) == 0 {
      return unsafe Buffer(
        borrowing: UnsafeMutableRawPointer(mutating: start), count: count,
        release: { withExtendedLifetime(self) {} })
    }
    let copy = Buffer(uninitializedBytes: count)
    unsafe copy.base.copyMemory(from: start, byteCount: count)
    return copy
  }

  /// Bits from any place, moved to the front of a byte.
  func bits(
    _ start: UnsafeRawPointer?, from first: Int, count: Int
  ) throws(LarderError) -> Buffer {
    if first & 7 == 0 {
      return try unsafe buffer(
        start.map { unsafe $0 + first / 8 }, count: (count + 7) / 8, alignment: 1)
    }
    let bytes = (first + count + 7) / 8 - first / 8
    guard let start = unsafe start else {
      return try unsafe buffer(nil, count: bytes, alignment: 1)
    }
    // Words are read past the last bit: of a copy, which is followed by readable bytes.
    let copy = Buffer(uninitializedBytes: bytes)
    unsafe copy.base.copyMemory(from: start + first / 8, byteCount: bytes)
    let moved = Buffer(zeroedBytes: (count + 7) / 8)
    _ = unsafe copyBits(copy.base, from: first & 7, to: moved.base, at: 0, count: count)
    return withExtendedLifetime(copy) { moved }
  }
}
