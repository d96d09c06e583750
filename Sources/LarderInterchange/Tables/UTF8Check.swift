import LarderColumns

/// Finds the first text of a column that is not UTF-8.
///
/// - Parameters:
///   - bytes: the texts one after the other; 8 readable bytes follow.
///   - offsets: where each text starts, and at the end where the last ends; they are in order and
///     within the bytes.
/// - Returns: the index of the text, or nil if all are UTF-8.
/// - Complexity: O(bytes); a word at a time while all is ASCII.
func firstInvalidText(
  _ bytes: UnsafeRawBufferPointer, offsets: UnsafeBufferPointer<Int32>
) -> Int? {
  guard let base = bytes.baseAddress, offsets.count > 1 else { return nil }
  let start = unsafe Int(offsets[0])
  let end = unsafe Int(offsets[offsets.count - 1])
  if unsafe isASCII(UnsafeRawBufferPointer(start: base + start, count: end - start)) { return nil }
  for index in 0..<(offsets.count - 1) {
    let from = unsafe Int(offsets[index])
    let count = unsafe Int(offsets[index + 1]) - from
    let text = unsafe UnsafeRawBufferPointer(start: base + from, count: count)
    if unsafe !isASCII(text), unsafe !isUTF8(text) { return index }
  }
  return nil
}

/// Whether no byte has its high bit set.
func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
  guard let base = bytes.baseAddress else { return true }
  var all: UInt64 = 0
  var at = 0
  while at &+ 32 <= bytes.count {
    let a = unsafe base.loadUnaligned(fromByteOffset: at, as: UInt64.self)
    let b = unsafe base.loadUnaligned(fromByteOffset: at &+ 8, as: UInt64.self)
    let c = unsafe base.loadUnaligned(fromByteOffset: at &+ 16, as: UInt64.self)
    let d = unsafe base.loadUnaligned(fromByteOffset: at &+ 24, as: UInt64.self)
    all |= a | b | c | d
    at &+= 32
  }
  while at < bytes.count {
    all |= unsafe UInt64(base.load(fromByteOffset: at, as: UInt8.self))
    at &+= 1
  }
  return all & 0x8080_8080_8080_8080 == 0
}

/// Whether bytes are well-formed UTF-8: no overlong forms, no surrogates, nothing past U+10FFFF
/// (Unicode, table 3-7).
func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
  var at = 0
  let end = bytes.count
  while at < end {
    let lead = unsafe bytes[at]
    at &+= 1
    if lead < 0x80 { continue }
    let more: Int
    var low: UInt8 = 0x80
    var high: UInt8 = 0xBF
    switch lead {
    case 0xC2...0xDF: more = 1
    case 0xE0...0xEF:
      more = 2
      if lead == 0xE0 { low = 0xA0 }
      if lead == 0xED { high = 0x9F }
    case 0xF0...0xF4:
      more = 3
      if lead == 0xF0 { low = 0x90 }
      if lead == 0xF4 { high = 0x8F }
    default: return false
    }
    guard end &- at >= more else { return false }
    let second = unsafe bytes[at]
    guard second >= low, second <= high else { return false }
    for index in 1..<more {
      guard unsafe bytes[at &+ index] & 0xC0 == 0x80 else { return false }
    }
    at &+= more
  }
  return true
}
