import Glibc
import LarderColumns

/// Decodes DELTA_BINARY_PACKED: blocks of differences, each less the block's least, bit-packed.
///
/// Sums wrap, as the format wants.
///
/// - Parameters:
///   - bytes: the encoded values; 8 readable bytes follow them.
///   - limit: the most values that may be there.
/// - Returns: the values as Int64, their number, and how many bytes they took.
/// - Throws: `invalidInput` if the bytes contradict themselves; `limitExceeded`.
func decodeDelta(
  _ bytes: UnsafeRawBufferPointer, limit: Int
) throws(LarderError) -> (values: Buffer, count: Int, consumed: Int) {
  var reader = unsafe CompactReader(bytes)
  let blockValues = try reader.varint()
  let miniblocks = try reader.varint()
  let total = try reader.varint()
  let first = try reader.int64()
  guard blockValues > 0, blockValues % 128 == 0, blockValues <= 1 << 20, miniblocks > 0,
    miniblocks <= blockValues, blockValues % miniblocks == 0,
    blockValues / miniblocks % 32 == 0
  else {
    throw .malformed("Delta-encoded values in blocks of \(blockValues) / \(miniblocks).")
  }
  // A block takes a byte for its least value and one for each width, even where all are equal.
  let blocks = UInt64(reader.remaining) / (1 + miniblocks)
  guard total <= UInt64(limit), total <= 1 + blocks * blockValues else {
    throw .malformed("\(total) delta-encoded values where at most \(limit) belong.")
  }
  let count = Int(total)
  guard count <= Limits.parquetPageBytes / 8 else {
    throw LarderError(.limitExceeded, "A page of \(count) values; at most 2^27 are read.")
  }
  let values = Buffer(uninitializedBytes: count * 8)
  guard count > 0, let base = bytes.baseAddress else { return (values, 0, reader.position) }
  let target = unsafe values.base.assumingMemoryBound(to: Int64.self)
  unsafe target[0] = first
  var done = 1
  var last = first
  let perMiniblock = Int(blockValues / miniblocks)
  while done < count {
    let least = try reader.int64()
    let widths = reader.position
    guard Int(miniblocks) <= reader.remaining else {
      throw .malformed("Delta-encoded values end before the last.")
    }
    var position = widths &+ Int(miniblocks)
    for block in 0..<Int(miniblocks) where done < count {
      let width = unsafe Int(bytes[widths &+ block])
      // The format allows 32 for INT32; DuckDB writes wider ones, whose sums are right.
      guard width <= 64 else {
        throw .malformed("Delta-encoded values of \(width) bits; at most 64 are allowed.")
      }
      let size = perMiniblock / 8 &* width
      let span = min(perMiniblock, count &- done)
      // The last miniblock may lack its padding.
      guard (span &* width &+ 7) &>> 3 <= bytes.count &- position else {
        throw .malformed("Delta-encoded values end before the last.")
      }
      last = unsafe addDeltas(base, position &* 8, width, least, last, target + done, span)
      done &+= span
      position = min(position &+ size, bytes.count)
    }
    try reader.seek(to: position)
  }
  return (values, count, reader.position)
}

private func addDeltas(
  _ base: UnsafeRawPointer, _ firstBit: Int, _ width: Int, _ least: Int64, _ start: Int64,
  _ target: UnsafeMutablePointer<Int64>, _ count: Int
) -> Int64 {
  var last = start
  if width == 0 {
    for index in 0..<count {
      last &+= least
      unsafe target[index] = last
    }
    return last
  }
  let mask = width == 64 ? UInt64.max : UInt64(1) &<< UInt64(width) &- 1
  var at = firstBit
  for index in 0..<count {
    let shift = UInt64(at & 7)
    var word = unsafe base.loadUnaligned(fromByteOffset: at &>> 3, as: UInt64.self) &>> shift
    if width &+ Int(shift) > 64 {
      // The value's last bits lie in a ninth byte.
      let next = unsafe base.load(fromByteOffset: at &>> 3 &+ 8, as: UInt8.self)
      word |= UInt64(next) &<< (64 &- shift)
    }
    last = last &+ least &+ Int64(bitPattern: word & mask)
    unsafe target[index] = last
    at &+= width
  }
  return last
}

/// Decodes the lengths of DELTA_LENGTH_BYTE_ARRAY and checks that the bytes after them suffice.
///
/// - Returns: the lengths as Int64, their number, and where the bytes start.
func decodeDeltaLengths(
  _ bytes: UnsafeRawBufferPointer, limit: Int
) throws(LarderError) -> (lengths: Buffer, count: Int, start: Int) {
  let (lengths, count, start) = unsafe try decodeDelta(bytes, limit: limit)
  let values = unsafe lengths.base.assumingMemoryBound(to: Int64.self)
  var sum: Int64 = 0
  for index in 0..<count {
    let length = unsafe values[index]
    guard length >= 0, length <= Int64(bytes.count) else {
      throw .malformed("A value of \(length) bytes in a page of \(bytes.count).")
    }
    sum &+= length
  }
  // Each is at most the page's size, and there are less than 2^31 of them: no overflow.
  guard sum <= Int64(bytes.count - start) else {
    throw .malformed("Values of \(sum) bytes in a page that has \(bytes.count - start) for them.")
  }
  return (lengths, count, start)
}

/// Decodes DELTA_BYTE_ARRAY: each value is a prefix of the one before, and a suffix.
///
/// - Returns: the lengths as Int64, their number, and the values' bytes one after the other.
/// - Throws: `invalidInput`; `limitExceeded` if the values are longer than a page may be.
func decodeDeltaByteArrays(
  _ bytes: UnsafeRawBufferPointer, limit: Int
) throws(LarderError) -> (lengths: Buffer, count: Int, bytes: Buffer) {
  let (prefixes, count, consumed) = unsafe try decodeDelta(bytes, limit: limit)
  let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[consumed...])
  let (lengths, suffixes, start) = unsafe try decodeDeltaLengths(rest, limit: limit)
  guard suffixes == count else {
    throw .malformed("\(count) prefixes and \(suffixes) suffixes in one page.")
  }
  defer { withExtendedLifetime(prefixes) {} }
  let prefix = unsafe prefixes.base.assumingMemoryBound(to: Int64.self)
  let length = unsafe lengths.base.assumingMemoryBound(to: Int64.self)
  var total: Int64 = 0
  var before: Int64 = 0
  for index in 0..<count {
    let shared = unsafe prefix[index]
    guard shared >= 0, shared <= before else {
      throw .malformed("A value shares \(shared) bytes with one of \(before) before it.")
    }
    before = unsafe shared &+ length[index]
    total &+= before
    guard total <= Int64(Limits.parquetPageBytes) else {
      throw LarderError(
        .limitExceeded, "A page's values take more than \(Limits.parquetPageBytes) bytes.")
    }
  }
  let values = Buffer(uninitializedBytes: Int(total))
  var source = start
  var last = 0
  var at = 0
  for index in 0..<count {
    let shared = unsafe Int(prefix[index])
    let suffix = unsafe Int(length[index])
    if shared > 0 { unsafe memmove(values.base + at, values.base + last, shared) }
    if suffix > 0, let base = rest.baseAddress {
      unsafe memcpy(values.base + at + shared, base + source, suffix)
    }
    source &+= suffix
    last = at
    at &+= shared &+ suffix
    unsafe length[index] = Int64(shared &+ suffix)
  }
  return (lengths, count, values)
}

/// Puts together the bytes of BYTE_STREAM_SPLIT: byte k of every value lies in stream k.
///
/// - Parameters:
///   - bytes: the streams, each of `count` bytes.
///   - target: room for `count` values of `width` bytes.
func joinByteStreams(
  _ bytes: UnsafeRawPointer, count: Int, width: Int, into target: UnsafeMutableRawPointer
) {
  for stream in 0..<width {
    let source = unsafe bytes + stream &* count
    var out = unsafe target + stream
    for index in 0..<count {
      unsafe out.storeBytes(
        of: source.load(fromByteOffset: index, as: UInt8.self), as: UInt8.self)
      unsafe out += width
    }
  }
}
