import LarderColumns

/// Reads Thrift's compact protocol from bytes that nobody vouches for.
///
/// Every read is checked against the end; nothing is allocated by a count that the bytes left could
/// not hold; nesting is limited.
@safe struct CompactReader {
  /// The wire types of fields and elements.
  enum WireType: UInt8 {
    case stop = 0
    case yes = 1
    case no = 2
    case byte = 3
    case int16 = 4
    case int32 = 5
    case int64 = 6
    case double = 7
    case binary = 8
    case list = 9
    case set = 10
    case map = 11
    case structure = 12
    case uuid = 13
  }

  /// A field's number and type.
  struct Field {
    var id: Int16
    var type: WireType
  }

  /// How deep structs and lists may nest: Parquet's own nest 5 deep.
  static let depthLimit = 24

  private let bytes: UnsafeRawBufferPointer
  private let limit: Int
  /// The next byte to read.
  private(set) var position = 0
  /// Whether a read met the end of the bytes: with more of them it might have succeeded.
  private(set) var ranOut = false

  /// Reads from bytes that stay valid while the reader is used.
  init(_ bytes: UnsafeRawBufferPointer) {
    unsafe self.bytes = bytes
    limit = bytes.count
  }

  /// How many bytes are left.
  var remaining: Int { limit &- position }

  /// Goes on at another place.
  mutating func seek(to position: Int) throws(LarderError) {
    guard position >= 0, position <= limit else { throw end() }
    self.position = position
  }

  private mutating func end() -> LarderError {
    ranOut = true
    return .malformed("The metadata ends in the middle of a value.", offset: position)
  }

  mutating func byte() throws(LarderError) -> UInt8 {
    guard position < limit else { throw end() }
    let value = unsafe bytes[position]
    position &+= 1
    return value
  }

  /// An unsigned number of at most 64 bits, 7 bits to a byte.
  mutating func varint() throws(LarderError) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let next = try byte()
      if shift == 63, next > 1 { break }
      value |= UInt64(next & 0x7F) &<< shift
      if next < 0x80 { return value }
      shift &+= 7
      if shift > 63 { break }
    }
    throw .malformed("A number in the metadata has more than 64 bits.", offset: position)
  }

  /// A signed number in zigzag form.
  mutating func int64() throws(LarderError) -> Int64 {
    let value = try varint()
    return Int64(bitPattern: value &>> 1) ^ -Int64(bitPattern: value & 1)
  }

  mutating func int32() throws(LarderError) -> Int32 {
    let value = try int64()
    guard let narrow = Int32(exactly: value) else {
      throw .malformed(
        "The metadata says \(value) where 32 bits are expected.", offset: position)
    }
    return narrow
  }

  /// Where a binary value lies, which is then skipped.
  mutating func binary() throws(LarderError) -> Range<Int> {
    let length = try varint()
    guard length <= UInt64(remaining) else { throw end() }
    let start = position
    position &+= Int(length)
    return start..<position
  }

  /// A binary value's bytes.
  mutating func data() throws(LarderError) -> [UInt8] {
    let range = try binary()
    return unsafe Array(bytes[range])
  }

  /// Text; bytes that are not UTF-8 are refused.
  mutating func text() throws(LarderError) -> String {
    let range = try binary()
    let raw = unsafe UnsafeRawBufferPointer(rebasing: bytes[range])
    guard let text = unsafe String(validating: raw, as: UTF8.self) else {
      throw .malformed("A name in the metadata is not UTF-8.", offset: range.lowerBound)
    }
    return text
  }

  /// The next field of a struct, or nil at its end.
  ///
  /// - Parameter last: the number of the field before; 0 at the start of a struct.
  mutating func field(after last: inout Int16) throws(LarderError) -> Field? {
    let head = try byte()
    if head == 0 { return nil }
    guard let type = WireType(rawValue: head & 0x0F), type != .stop else {
      throw .malformed("Unknown field type \(head & 0x0F) in the metadata.", offset: position)
    }
    let delta = Int16(head >> 4)
    let id: Int64 = delta == 0 ? try int64() : Int64(last) + Int64(delta)
    guard let id = Int16(exactly: id) else {
      throw .malformed("Field number \(id) in the metadata.", offset: position)
    }
    last = id
    return Field(id: id, type: type)
  }

  /// The element type and the number of elements of a list that starts here.
  mutating func list() throws(LarderError) -> (type: WireType, count: Int) {
    let head = try byte()
    // A list without elements need not say of what: some writers say 0 there.
    if head == 0 { return (.structure, 0) }
    guard let type = WireType(rawValue: head & 0x0F), type != .stop else {
      throw .malformed("Unknown element type \(head & 0x0F) in the metadata.", offset: position)
    }
    let count = head >> 4 == 15 ? try varint() : UInt64(head >> 4)
    // Each element takes at least one byte.
    guard count <= UInt64(remaining) else { throw end() }
    return (type, Int(count))
  }

  /// Passes over a value of a type.
  mutating func skip(_ type: WireType, depth: Int = 0) throws(LarderError) {
    guard depth < CompactReader.depthLimit else {
      throw LarderError(.limitExceeded, "The metadata nests deeper than any that Parquet defines.")
    }
    switch type {
    case .stop, .yes, .no: return
    case .byte: _ = try byte()
    case .int16, .int32, .int64: _ = try varint()
    case .double: try advance(8)
    case .uuid: try advance(16)
    case .binary: _ = try binary()
    case .list, .set:
      let (element, count) = try list()
      for _ in 0..<count { try skipElement(element, depth: depth + 1) }
    case .map: try skipMap(depth: depth)
    case .structure:
      var last: Int16 = 0
      while let field = try field(after: &last) { try skip(field.type, depth: depth + 1) }
    }
  }

  private mutating func skipMap(depth: Int) throws(LarderError) {
    let count = try varint()
    if count == 0 { return }
    guard count <= UInt64(remaining) else { throw end() }
    let types = try byte()
    guard let key = WireType(rawValue: types >> 4), let value = WireType(rawValue: types & 0x0F)
    else { throw .malformed("Unknown map type \(types) in the metadata.", offset: position) }
    for _ in 0..<Int(count) {
      try skipElement(key, depth: depth + 1)
      try skipElement(value, depth: depth + 1)
    }
  }

  /// Bools are in the field's type, but take a byte as elements.
  private mutating func skipElement(_ type: WireType, depth: Int) throws(LarderError) {
    if type == .yes || type == .no { _ = try byte() } else { try skip(type, depth: depth) }
  }

  private mutating func advance(_ count: Int) throws(LarderError) {
    guard count <= remaining else { throw end() }
    position &+= count
  }
}
