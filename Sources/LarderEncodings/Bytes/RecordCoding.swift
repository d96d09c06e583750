import LarderColumns

/// Writes the fields of a record, little endian, one after the other.
package struct RecordWriter {
  /// What was written.
  package var bytes: [UInt8] { written }
  @usableFromInline var written: [UInt8] = []

  package init() {}

  /// Writes an integer.
  @inlinable package mutating func write(_ value: some FixedWidthInteger) {
    unsafe withUnsafeBytes(of: value.littleEndian) { unsafe written.append(contentsOf: $0) }
  }

  /// Writes bytes as they are.
  package mutating func write(bytes added: [UInt8]) { written.append(contentsOf: added) }

  /// Writes a u16 count of bytes and the bytes.
  package mutating func write(text: String) {
    let utf8 = Array(text.utf8.prefix(Int(UInt16.max)))
    write(UInt16(utf8.count))
    written.append(contentsOf: utf8)
  }

  /// Writes a u32 count of bytes and the bytes of another record.
  package mutating func write(nested record: RecordWriter) {
    write(UInt32(record.bytes.count))
    written.append(contentsOf: record.written)
  }
}

/// Reads the fields of a record and refuses to read past its end.
package struct RecordReader {
  @usableFromInline let bytes: [UInt8]
  @usableFromInline let end: Int
  @usableFromInline var next: Int
  /// The version of the format that the bytes are in, for fields that came with a later one.
  package let version: UInt16
  /// The file, for messages.
  let file: String
  /// Where byte 0 lies in the file, for messages.
  private let origin: UInt64

  package init(_ bytes: [UInt8], file: String, origin: UInt64, version: UInt16 = 0) {
    self.bytes = bytes
    self.version = version
    end = bytes.count
    next = 0
    self.file = file
    self.origin = origin
  }

  init(slice of: RecordReader, count: Int) {
    bytes = of.bytes
    version = of.version
    next = of.next
    end = of.next + count
    file = of.file
    origin = of.origin
  }

  /// Where the next field starts.
  package var position: Int { next }

  /// How many bytes are left.
  @inlinable package var remaining: Int { end - next }

  /// Reads an integer.
  @inlinable package mutating func read<T: FixedWidthInteger & BitwiseCopyable>(
    _ type: T.Type
  ) throws(LarderError) -> T {
    let size = MemoryLayout<T>.size
    guard remaining >= size else { throw short(size) }
    let value = unsafe bytes.withUnsafeBytes {
      unsafe $0.loadUnaligned(fromByteOffset: next, as: type)
    }
    next += size
    return T(littleEndian: value)
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
    defer { next += count }
    return Array(bytes[next..<next + count])
  }

  /// Reads text written by `write(text:)`.
  package mutating func readText() throws(LarderError) -> String {
    let count = Int(try read(UInt16.self))
    guard remaining >= count else { throw short(count) }
    let slice = bytes[next..<next + count]
    next += count
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
    next += count
    return nested
  }

  /// A `corrupt` error at the current position.
  package func failure(_ message: String) -> LarderError {
    LarderError(.corrupt, message, file: file, offset: origin + UInt64(position))
  }

  @usableFromInline func short(_ wanted: Int) -> LarderError {
    failure("The record ends after \(remaining) bytes where \(wanted) are expected.")
  }
}
