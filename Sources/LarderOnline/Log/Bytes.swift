import LarderColumns
import LarderFiles

/// Appends integers and text, least significant byte first.
struct ByteWriter {
  var bytes: [UInt8] = []

  mutating func append<T: FixedWidthInteger>(_ value: T) {
    for byte in 0..<T.bitWidth / 8 {
      bytes.append(UInt8(truncatingIfNeeded: value >> T(truncatingIfNeeded: 8 * byte)))
    }
  }

  /// Length as u32, then UTF-8.
  mutating func append(_ text: String) {
    append(UInt32(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  mutating func append(_ identifier: FileIdentifier) {
    append(identifier.high)
    append(identifier.low)
  }
}

/// Reads what `ByteWriter` wrote; whatever does not fit is an error.
struct ByteReader {
  let bytes: [UInt8]
  let file: String
  private(set) var offset = 0

  init(_ bytes: [UInt8], file: String) {
    self.bytes = bytes
    self.file = file
  }

  var isAtEnd: Bool { offset == bytes.count }

  mutating func read<T: FixedWidthInteger>(_ type: T.Type) throws(LarderError) -> T {
    let width = T.bitWidth / 8
    guard bytes.count - offset >= width else { throw damaged("ends early") }
    var value: T = 0
    for byte in 0..<width { value |= T(truncatingIfNeeded: bytes[offset + byte]) << T(8 * byte) }
    offset += width
    return value
  }

  mutating func text() throws(LarderError) -> String {
    let count = Int(try read(UInt32.self))
    guard count <= bytes.count - offset else { throw damaged("holds a text longer than itself") }
    let slice = bytes[offset..<offset + count]
    guard let text = String(validating: slice, as: UTF8.self) else {
      throw damaged("holds a text that is not UTF-8")
    }
    offset += count
    return text
  }

  mutating func identifier() throws(LarderError) -> FileIdentifier {
    let high = try read(UInt64.self)
    return FileIdentifier(high: high, low: try read(UInt64.self))
  }

  /// A number of items, each of at least so many bytes.
  mutating func count(of itemBytes: Int) throws(LarderError) -> Int {
    let count = Int(try read(UInt32.self))
    guard count <= (bytes.count - offset) / itemBytes else {
      throw damaged("promises \(count) items and has no room for them")
    }
    return count
  }

  func damaged(_ what: String) -> LarderError {
    LarderError(.corrupt, "The online table's state record \(what).", file: file)
  }
}
