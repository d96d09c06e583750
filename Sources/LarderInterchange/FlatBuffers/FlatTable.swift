import LarderColumns

/// A table in FlatBuffers' binary form, from bytes that nobody vouches for.
///
/// Every offset is checked where it is followed. Tables may be read in any order; whoever walks
/// them recursively limits the depth.
@safe struct FlatTable {
  private let bytes: UnsafeRawBufferPointer
  /// Where the table starts.
  private let start: Int
  private let vtable: Int
  private let vtableBytes: Int

  /// The root table of a buffer, which stays valid while the table is used.
  init(root bytes: UnsafeRawBufferPointer) throws(LarderError) {
    let at = unsafe try FlatTable.load(UInt32.self, bytes, 0)
    unsafe try self.init(bytes, at: Int(at))
  }

  private init(_ bytes: UnsafeRawBufferPointer, at start: Int) throws(LarderError) {
    unsafe self.bytes = bytes
    self.start = start
    vtable = start - Int(unsafe try FlatTable.load(Int32.self, bytes, start))
    vtableBytes = Int(unsafe try FlatTable.load(UInt16.self, bytes, vtable))
    guard vtableBytes >= 4, vtable >= 0, vtableBytes <= bytes.count - vtable else {
      throw FlatTable.damaged
    }
  }

  private static var damaged: LarderError {
    .malformed("The metadata of an Arrow message is damaged: an offset leaves it.")
  }

  private static func load<T: BitwiseCopyable>(
    _ type: T.Type, _ bytes: UnsafeRawBufferPointer, _ at: Int
  ) throws(LarderError) -> T {
    guard at >= 0, at <= bytes.count - MemoryLayout<T>.size else { throw damaged }
    return unsafe bytes.loadUnaligned(fromByteOffset: at, as: type)
  }

  /// Where a field lies, or nil if it has its default.
  private func place(_ field: Int) throws(LarderError) -> Int? {
    let slot = 4 + field * 2
    guard slot + 2 <= vtableBytes else { return nil }
    let offset = unsafe try FlatTable.load(UInt16.self, bytes, vtable + slot)
    return offset == 0 ? nil : start + Int(offset)
  }

  /// A scalar field.
  func scalar<T: BitwiseCopyable>(_ field: Int, default value: T) throws(LarderError) -> T {
    guard let place = try place(field) else { return value }
    return unsafe try FlatTable.load(T.self, bytes, place)
  }

  /// A bool field.
  func bool(_ field: Int) throws(LarderError) -> Bool {
    try scalar(field, default: UInt8(0)) != 0
  }

  private func target(_ field: Int) throws(LarderError) -> Int? {
    guard let place = try place(field) else { return nil }
    return place + Int(unsafe try FlatTable.load(UInt32.self, bytes, place))
  }

  /// A field that is a table.
  func table(_ field: Int) throws(LarderError) -> FlatTable? {
    guard let target = try target(field) else { return nil }
    return unsafe try FlatTable(bytes, at: target)
  }

  /// A field that is text.
  func text(_ field: Int) throws(LarderError) -> String? {
    guard let (at, count) = try vector(field, elementBytes: 1) else { return nil }
    let raw = unsafe UnsafeRawBufferPointer(rebasing: bytes[at..<(at + count)])
    guard let text = unsafe String(validating: raw, as: UTF8.self) else {
      throw .malformed("A name in the metadata is not UTF-8.")
    }
    return text
  }

  /// Where the elements of a vector lie, and how many there are; they lie within the bytes.
  private func vector(
    _ field: Int, elementBytes: Int
  ) throws(LarderError) -> (at: Int, count: Int)? {
    guard let target = try target(field) else { return nil }
    let count = Int(unsafe try FlatTable.load(UInt32.self, bytes, target))
    guard unsafe count <= (bytes.count - target - 4) / elementBytes else { throw FlatTable.damaged }
    return (target + 4, count)
  }

  /// How many elements a vector of tables has.
  func tableCount(_ field: Int) throws(LarderError) -> Int {
    try vector(field, elementBytes: 4)?.count ?? 0
  }

  /// One of the tables of a vector.
  func table(_ field: Int, at index: Int) throws(LarderError) -> FlatTable {
    guard let (at, count) = try vector(field, elementBytes: 4), index < count else {
      throw FlatTable.damaged
    }
    let place = at + index * 4
    return unsafe try FlatTable(
      bytes, at: place + Int(try FlatTable.load(UInt32.self, bytes, place)))
  }

  /// A vector of structs of so many Int64 words each, one struct after the other.
  func words(_ field: Int, perStruct: Int) throws(LarderError) -> [Int64] {
    guard let (at, count) = try vector(field, elementBytes: perStruct * 8) else { return [] }
    var words: [Int64] = []
    words.reserveCapacity(count * perStruct)
    for index in 0..<(count * perStruct) {
      words.append(unsafe try FlatTable.load(Int64.self, bytes, at + index * 8))
    }
    return words
  }
}
