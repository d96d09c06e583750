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

/// Whether bytes are well-formed UTF-8.
func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
  let units = unsafe bytes.bindMemory(to: UInt8.self)
  return unsafe UTF8Check.firstFlaw(units.span, in: 0..<units.count) == nil
}
