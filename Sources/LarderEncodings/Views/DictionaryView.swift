/// The distinct values of a column of texts or bytes, read in place.
///
/// Valid while the segment it came from lives. Codes of verified pages are below `count`.
@safe package struct DictionaryView: @unchecked Sendable {
  /// `count + 1` offsets into `bytes`.
  package let offsets: UnsafePointer<UInt32>
  /// The values' bytes.
  package let bytes: UnsafeRawPointer
  /// How many values there are.
  package let count: Int

  package init(offsets: UnsafePointer<UInt32>, bytes: UnsafeRawPointer, count: Int) {
    unsafe self.offsets = offsets
    unsafe self.bytes = bytes
    self.count = count
  }

  /// The bytes of a code's value.
  @inlinable @unsafe package func value(of code: Int) -> UnsafeRawBufferPointer {
    let start = unsafe Int(offsets[code])
    let end = unsafe Int(offsets[code &+ 1])
    return unsafe UnsafeRawBufferPointer(start: bytes + start, count: end &- start)
  }
}

/// The distinct values of a fixed-width column, read in place.
///
/// Valid while the segment it came from lives. Codes of verified pages are below `count`.
@safe package struct FixedDictionaryView: @unchecked Sendable {
  /// 8 bytes for each value: an Int64, or a float's bits, zero-extended.
  package let words: UnsafePointer<UInt64>
  /// How many values there are.
  package let count: Int

  package init(words: UnsafePointer<UInt64>, count: Int) {
    unsafe self.words = words
    self.count = count
  }

  /// The 64 bits of a code's value.
  @inlinable @unsafe package func bits(of code: Int) -> UInt64 { unsafe words[code] }
}
