import Glibc
import LarderColumns

/// The values of one page that are not null, taken one run after the other.
///
/// Encodings that code values by their predecessors are decoded whole when the page is opened, and
/// then lie here as if PLAIN.
@safe struct ValueStream {
  enum Form {
    /// Values of a fixed width, one after the other.
    case fixed
    /// Bits.
    case bits
    /// Byte arrays, each after its length in 4 bytes.
    case prefixed
    /// Byte arrays one after the other, and their lengths as Int64 elsewhere.
    case lengths(Buffer, count: Int)
    /// Indexes into the dictionary.
    case indexes
  }

  let form: Form
  private let bytes: UnsafeRawBufferPointer
  /// How many bytes there are.
  private let end: Int
  /// Keeps decoded bytes alive.
  private let owner: Buffer?
  private let width: Int
  /// In bytes; for bits in bits.
  private var position = 0
  /// How many values of `lengths` were taken.
  private var taken = 0
  private var hybrid: HybridDecoder?

  private init(
    _ form: Form, _ bytes: UnsafeRawBufferPointer, width: Int = 0, owner: Buffer? = nil
  ) {
    self.form = form
    unsafe self.bytes = bytes
    end = bytes.count
    self.width = width
    self.owner = owner
  }

  /// Opens a page's values.
  ///
  /// - Throws: `unsupported` for an encoding that is not read, by name; `invalidInput` for one that
  ///   does not fit the type, or for damaged bytes.
  init(_ page: Page, leaf: LeafType, hasDictionary: Bool) throws(LarderError) {
    let bytes = unsafe page.values
    let raw = page.header.encoding
    guard let encoding = Encoding(rawValue: raw), encoding != .alp else {
      throw LarderError(
        .unsupported,
        raw == Encoding.alp.rawValue
          ? "The encoding ALP is not read." : "Encoding \(raw) is not known.")
    }
    let count = page.header.valueCount
    switch (encoding, leaf.physical) {
    case (.plain, .boolean): self = unsafe ValueStream(.bits, bytes)
    case (.plain, .byteArray): self = unsafe ValueStream(.prefixed, bytes)
    case (.plain, _): self = unsafe ValueStream(.fixed, bytes, width: leaf.width)
    case (.rle, .boolean): self = unsafe try ValueStream.runLengthBits(bytes, count)
    case (.plainDictionary, _), (.rleDictionary, _):
      guard hasDictionary else {
        throw .malformed("A page refers to a dictionary, and the column chunk has none.")
      }
      self = unsafe ValueStream(.indexes, bytes)
      // The first byte is the width of the indexes; a page of nulls may lack even that.
      let width = unsafe bytes.isEmpty ? 0 : Int(bytes[0])
      let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes.dropFirst(1))
      hybrid = unsafe try HybridDecoder(rest, width: width)
    case (.deltaBinaryPacked, .int32), (.deltaBinaryPacked, .int64):
      self = unsafe try ValueStream.deltas(bytes, count, width: leaf.width)
    case (.deltaLengthByteArray, .byteArray):
      let (lengths, number, start) = unsafe try decodeDeltaLengths(bytes, limit: count)
      self = unsafe ValueStream(
        .lengths(lengths, count: number), UnsafeRawBufferPointer(rebasing: bytes[start...]))
    case (.deltaByteArray, .byteArray), (.deltaByteArray, .fixedLengthByteArray):
      self = unsafe try ValueStream.deltaByteArrays(bytes, count, leaf)
    case (.byteStreamSplit, _) where leaf.width > 0 && leaf.physical != .int96:
      self = unsafe try ValueStream.byteStreams(bytes, width: leaf.width)
    default:
      throw .malformed("Values of \(leaf.physical) in encoding \(encoding).")
    }
  }

  private static func runLengthBits(
    _ bytes: UnsafeRawBufferPointer, _ count: Int
  ) throws(LarderError) -> ValueStream {
    var stream = unsafe ValueStream(.indexes, bytes)
    guard bytes.count >= 4, let base = bytes.baseAddress else {
      // A page of nulls.
      return unsafe ValueStream(.bits, bytes)
    }
    let length = unsafe Int(base.loadUnaligned(as: UInt32.self))
    guard length <= bytes.count - 4 else {
      throw .malformed("Bools of \(length) bytes in a page of \(bytes.count).")
    }
    stream.hybrid = unsafe try HybridDecoder(
      UnsafeRawBufferPointer(start: base + 4, count: length), width: 1)
    return stream
  }

  private static func deltas(
    _ bytes: UnsafeRawBufferPointer, _ count: Int, width: Int
  ) throws(LarderError) -> ValueStream {
    if unsafe bytes.isEmpty { return unsafe ValueStream(.fixed, bytes, width: width) }
    let (values, number, _) = unsafe try decodeDelta(bytes, limit: count)
    if width == 4 {
      // In place: each Int32 is written before the Int64s behind it are read.
      let wide = unsafe values.base.assumingMemoryBound(to: Int64.self)
      let narrow = unsafe values.base.assumingMemoryBound(to: Int32.self)
      for index in 0..<number { unsafe narrow[index] = Int32(truncatingIfNeeded: wide[index]) }
    }
    return unsafe ValueStream(
      .fixed, UnsafeRawBufferPointer(start: values.base, count: number * width), width: width,
      owner: values)
  }

  private static func deltaByteArrays(
    _ bytes: UnsafeRawBufferPointer, _ count: Int, _ leaf: LeafType
  ) throws(LarderError) -> ValueStream {
    if unsafe bytes.isEmpty { return unsafe ValueStream(.fixed, bytes, width: max(leaf.width, 1)) }
    let (lengths, number, values) = unsafe try decodeDeltaByteArrays(bytes, limit: count)
    guard leaf.width > 0 else {
      return unsafe ValueStream(.lengths(lengths, count: number), values.bytes, owner: values)
    }
    let length = unsafe lengths.base.assumingMemoryBound(to: Int64.self)
    for index in 0..<number {
      guard unsafe length[index] == Int64(leaf.width) else {
        throw .malformed(
          "A value of \(unsafe length[index]) bytes in a column of \(leaf.width) bytes each.")
      }
    }
    return unsafe ValueStream(.fixed, values.bytes, width: leaf.width, owner: values)
  }

  private static func byteStreams(
    _ bytes: UnsafeRawBufferPointer, width: Int
  ) throws(LarderError) -> ValueStream {
    guard bytes.count % width == 0 else {
      throw .malformed("Byte streams of \(bytes.count) bytes for values of \(width).")
    }
    let values = Buffer(uninitializedBytes: bytes.count)
    if let base = bytes.baseAddress {
      unsafe joinByteStreams(base, count: bytes.count / width, width: width, into: values.base)
    }
    return unsafe ValueStream(.fixed, values.bytes, width: width, owner: values)
  }

  private var tooFew: LarderError {
    .malformed("A page has fewer values than its header and its levels say.")
  }

  /// Takes values of a fixed width.
  ///
  /// - Returns: where they lie: `count` times the width.
  mutating func takeFixed(_ count: Int) throws(LarderError) -> UnsafeRawPointer? {
    guard count <= (end &- position) / max(width, 1) else { throw tooFew }
    let start = unsafe bytes.baseAddress.map { unsafe $0 + position }
    position &+= count &* width
    return unsafe start
  }

  /// Takes indexes below a bound.
  mutating func takeIndexes(
    into target: UnsafeMutablePointer<UInt32>, count: Int, bound: Int
  ) throws(LarderError) {
    unsafe try hybrid?.decode(into: target, count: count, bound: bound)
  }

  /// Takes bools into a bitmap.
  mutating func takeBits(
    into target: UnsafeMutableRawPointer, at first: Int, count: Int
  ) throws(LarderError) {
    if hybrid != nil {
      _ = unsafe try hybrid?.decodeBits(into: target, at: first, count: count)
      return
    }
    guard count <= end &* 8 &- position else { throw tooFew }
    guard let base = unsafe bytes.baseAddress else { return }
    _ = unsafe copyBits(base, from: position, to: target, at: first, count: count)
    position &+= count
  }

  /// An upper bound of the bytes of the byte arrays left.
  var bytesLeft: Int { end &- position }

  /// Takes byte arrays, copying them to a place that has room for `bytesLeft` and writing where
  /// each ends.
  ///
  /// - Parameters:
  ///   - ends: gets the ends, counted from `start`.
  ///   - start: how many bytes lie before `target` in the column.
  /// - Returns: where the last ends.
  /// - Throws: `limitExceeded` if an end exceeds 2^31 - 1.
  mutating func takeByteArrays(
    _ count: Int, into target: UnsafeMutableRawPointer, ends: UnsafeMutablePointer<Int32>,
    start: Int
  ) throws(LarderError) -> Int {
    guard let base = unsafe bytes.baseAddress else {
      guard count == 0 else { throw tooFew }
      return start
    }
    // At most this many bytes fit the column's Int32 offsets.
    let room = Limits.columnBytes &- start
    var out = 0
    var at = position
    if case .lengths(let lengths, let number) = form {
      guard count <= number &- taken else { throw tooFew }
      let length = unsafe lengths.base.assumingMemoryBound(to: Int64.self) + taken
      for index in 0..<count {
        out &+= unsafe Int(length[index])
        guard out <= room else { throw Self.tooLong }
        unsafe ends[index] = Int32(truncatingIfNeeded: start &+ out)
      }
      unsafe target.copyMemory(from: base + at, byteCount: out)
      taken &+= count
      position &+= out
      return start &+ out
    }
    for index in 0..<count {
      guard end &- at >= 4 else { throw tooFew }
      let length = unsafe Int(base.loadUnaligned(fromByteOffset: at, as: UInt32.self))
      at &+= 4
      guard length <= end &- at, length <= room &- out else {
        throw length <= end &- at
          ? Self.tooLong : .malformed("A value of \(length) bytes leaves its page.")
      }
      unsafe copyShort(base + at, target + out, length)
      at &+= length
      out &+= length
      unsafe ends[index] = Int32(truncatingIfNeeded: start &+ out)
    }
    position = at
    return start &+ out
  }

  static var tooLong: LarderError {
    LarderError(
      .limitExceeded,
      "A column of one batch holds at most \(Limits.columnBytes) bytes; read smaller batches.")
  }
}

/// Copies bytes, most often few.
///
/// Writes up to 15 bytes beyond the length, and reads as many.
@inline(__always)
func copyShort(_ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ length: Int) {
  if length <= 16 {
    let low = unsafe source.loadUnaligned(as: UInt64.self)
    let high = unsafe source.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    unsafe target.storeBytes(of: low, as: UInt64.self)
    unsafe target.storeBytes(of: high, toByteOffset: 8, as: UInt64.self)
  } else {
    unsafe target.copyMemory(from: source, byteCount: length)
  }
}
