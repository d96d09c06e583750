import LarderColumns

/// Writes the fields of a record, little endian, one after the other.
package struct RecordWriter {
  /// What was written.
  package private(set) var bytes: [UInt8] = []

  package init() {}

  /// Writes an integer.
  package mutating func write(_ value: some FixedWidthInteger) {
    unsafe withUnsafeBytes(of: value.littleEndian) { unsafe bytes.append(contentsOf: $0) }
  }

  /// Writes bytes as they are.
  package mutating func write(bytes added: [UInt8]) { bytes.append(contentsOf: added) }

  /// Writes a u16 count of bytes and the bytes.
  package mutating func write(text: String) {
    let utf8 = Array(text.utf8.prefix(Int(UInt16.max)))
    write(UInt16(utf8.count))
    bytes.append(contentsOf: utf8)
  }

  /// Writes a u32 count of bytes and the bytes of another record.
  package mutating func write(nested record: RecordWriter) {
    write(UInt32(record.bytes.count))
    bytes.append(contentsOf: record.bytes)
  }
}

/// Reads the fields of a record and refuses to read past its end.
package struct RecordReader {
  private let bytes: [UInt8]
  private let end: Int
  /// Where the next field starts.
  package private(set) var position: Int
  /// The file, for messages.
  private let file: String
  /// Where byte 0 lies in the file, for messages.
  private let origin: UInt64

  package init(_ bytes: [UInt8], file: String, origin: UInt64) {
    self.bytes = bytes
    end = bytes.count
    position = 0
    self.file = file
    self.origin = origin
  }

  private init(slice of: RecordReader, count: Int) {
    bytes = of.bytes
    position = of.position
    end = of.position + count
    file = of.file
    origin = of.origin
  }

  /// How many bytes are left.
  package var remaining: Int { end - position }

  /// Reads an integer.
  package mutating func read<T: FixedWidthInteger>(_ type: T.Type) throws(LarderError) -> T {
    let size = MemoryLayout<T>.size
    guard remaining >= size else { throw short(size) }
    var value: T = 0
    for index in 0..<size {
      value |= T(truncatingIfNeeded: bytes[position + index]) << T(truncatingIfNeeded: 8 * index)
    }
    position += size
    return value
  }

  /// Reads an unsigned 64-bit number that must lie in a range.
  package mutating func read(
    _ what: String, in range: ClosedRange<Int>
  ) throws(LarderError) -> Int {
    let start = position
    let value = try read(UInt64.self)
    guard let number = Int(exactly: value), range.contains(number) else {
      throw LarderError(
        .corrupt, "\(what) is \(value); \(range.lowerBound) to \(range.upperBound) is possible.",
        file: file, offset: origin + UInt64(start))
    }
    return number
  }

  /// Reads bytes as they are.
  package mutating func readBytes(_ count: Int) throws(LarderError) -> [UInt8] {
    guard remaining >= count else { throw short(count) }
    defer { position += count }
    return Array(bytes[position..<position + count])
  }

  /// Reads text written by `write(text:)`.
  package mutating func readText() throws(LarderError) -> String {
    let count = Int(try read(UInt16.self))
    guard remaining >= count else { throw short(count) }
    let slice = bytes[position..<position + count]
    position += count
    guard let text = String(validating: slice, as: UTF8.self) else {
      throw failure("Text that is not UTF-8 was found.")
    }
    return text
  }

  /// A reader of a record written by `write(nested:)`.
  package mutating func readNested() throws(LarderError) -> RecordReader {
    let count = Int(try read(UInt32.self))
    guard remaining >= count else { throw short(count) }
    let nested = RecordReader(slice: self, count: count)
    position += count
    return nested
  }

  /// A `corrupt` error at the current position.
  package func failure(_ message: String) -> LarderError {
    LarderError(.corrupt, message, file: file, offset: origin + UInt64(position))
  }

  private func short(_ wanted: Int) -> LarderError {
    failure("The record ends after \(remaining) bytes where \(wanted) are expected.")
  }
}
