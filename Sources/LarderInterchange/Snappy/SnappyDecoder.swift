import LarderColumns

/// Decompresses Snappy's raw format, which is what Parquet's SNAPPY pages hold.
///
/// The format: the length as a varint, then literals (bytes that follow) and copies (bytes that
/// came before), each told by the low two bits of its tag.
///
/// - Parameters:
///   - input: the compressed bytes; 16 readable bytes follow them.
///   - output: as many bytes as are expected; 16 writable bytes follow them.
/// - Throws: `invalidInput` if the bytes are not Snappy's or give another length.
func decompressSnappy(
  _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
) throws(LarderError) {
  var at = 0
  var length: UInt64 = 0
  var shift: UInt64 = 0
  while true {
    guard at < input.count, shift < 35 else { throw .malformed("A Snappy page has no length.") }
    let next = unsafe input[at]
    at &+= 1
    length |= UInt64(next & 0x7F) &<< shift
    if next < 0x80 { break }
    shift &+= 7
  }
  guard length == UInt64(output.count) else {
    throw .malformed("A Snappy page gives \(length) bytes where \(output.count) are expected.")
  }
  guard length > 0 else {
    guard at == input.count else { throw .malformed("A Snappy page goes on after its end.") }
    return
  }
  guard let source = input.baseAddress, let target = output.baseAddress,
    unsafe snappyRuns(source + at, source + input.count, target, target + output.count)
  else {
    throw .malformed("A Snappy page is damaged: its copies or literals leave its bounds.")
  }
}

/// Runs the tags; false if one of them leaves the bounds, or if they end early or late.
private func snappyRuns(
  _ start: UnsafeRawPointer, _ inputEnd: UnsafeRawPointer,
  _ outputStart: UnsafeMutableRawPointer, _ outputEnd: UnsafeMutableRawPointer
) -> Bool {
  var input = unsafe start
  var output = unsafe outputStart
  while unsafe input < inputEnd {
    let tag = unsafe Int(input.load(as: UInt8.self))
    unsafe input += 1
    if tag & 3 == 0 {
      var length = tag &>> 2 &+ 1
      if length > 60 {
        let extra = length &- 60
        guard unsafe inputEnd - input >= extra else { return false }
        // At most 4 bytes; more are read, which the slack after the input allows.
        let word = unsafe Int(input.loadUnaligned(as: UInt32.self))
        length = word & ((1 &<< (extra &* 8)) &- 1) &+ 1
        unsafe input += extra
      }
      guard unsafe length <= inputEnd - input, unsafe length <= outputEnd - output else {
        return false
      }
      if length <= 16 {
        unsafe copy16(input, output)
      } else {
        unsafe output.copyMemory(from: input, byteCount: length)
      }
      unsafe input += length
      unsafe output += length
      continue
    }
    var length: Int
    var offset: Int
    if tag & 3 == 1 {
      guard unsafe input < inputEnd else { return false }
      length = tag &>> 2 & 7 &+ 4
      offset = unsafe (tag & 0xE0) &<< 3 | Int(input.load(as: UInt8.self))
      unsafe input += 1
    } else if tag & 3 == 2 {
      guard unsafe inputEnd - input >= 2 else { return false }
      length = tag &>> 2 &+ 1
      offset = unsafe Int(input.loadUnaligned(as: UInt16.self))
      unsafe input += 2
    } else {
      guard unsafe inputEnd - input >= 4 else { return false }
      length = tag &>> 2 &+ 1
      offset = unsafe Int(input.loadUnaligned(as: UInt32.self))
      unsafe input += 4
    }
    guard offset > 0, unsafe offset <= output - outputStart,
      unsafe length <= outputEnd - output
    else { return false }
    unsafe copyBack(output, offset, length)
    unsafe output += length
  }
  return unsafe output == outputEnd
}

@inline(__always)
private func copy16(_ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer) {
  let low = unsafe source.loadUnaligned(as: UInt64.self)
  let high = unsafe source.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
  unsafe target.storeBytes(of: low, as: UInt64.self)
  unsafe target.storeBytes(of: high, toByteOffset: 8, as: UInt64.self)
}

/// Repeats what lies `offset` bytes before.
///
/// Writes up to 15 bytes beyond the length.
@inline(__always)
private func copyBack(_ target: UnsafeMutableRawPointer, _ offset: Int, _ length: Int) {
  var output = unsafe target
  var source = unsafe UnsafeRawPointer(target) - offset
  let end = unsafe target + length
  if offset >= 16 {
    // A copy has at most 64 bytes.
    repeat {
      unsafe copy16(source, output)
      unsafe source += 16
      unsafe output += 16
    } while unsafe output < end
    return
  }
  if offset >= 8 {
    repeat {
      unsafe output.storeBytes(of: source.loadUnaligned(as: UInt64.self), as: UInt64.self)
      unsafe source += 8
      unsafe output += 8
    } while unsafe output < end
    return
  }
  // The pattern is shorter than a word: byte by byte.
  while unsafe output < end {
    unsafe output.storeBytes(of: source.load(as: UInt8.self), as: UInt8.self)
    unsafe source += 1
    unsafe output += 1
  }
}
