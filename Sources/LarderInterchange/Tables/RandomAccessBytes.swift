import LarderColumns
import LarderFiles

/// Bytes that can be read from any offset: a file, or an array in memory.
package struct RandomAccessBytes: Sendable {
  private enum Storage: Sendable {
    case file(any File)
    case memory([UInt8])
    case input(ReadInput)
  }

  /// What messages call the bytes: a path.
  package let name: String
  /// How many bytes there are.
  package let count: Int
  private let storage: Storage

  private init(name: String, count: Int, storage: Storage) {
    self.name = name
    self.count = count
    self.storage = storage
  }

  /// The bytes of an open file, as long as it is now.
  ///
  /// - Parameters:
  ///   - file: the file.
  ///   - name: what messages call it; nil for its path.
  /// - Throws: `io`; `limitExceeded` if the length does not fit an Int.
  package init(_ file: any File, name: String? = nil) throws(LarderError) {
    let bytes = try file.status().bytes
    guard let count = Int(exactly: bytes) else {
      throw LarderError(.limitExceeded, "The file has \(bytes) bytes.", file: file.path)
    }
    self.name = name ?? file.path
    self.count = count
    storage = .file(file)
  }

  /// All the bytes of an input: a file as it lies, a pipe read to its end.
  ///
  /// - Throws: `io`.
  package init(_ source: ByteSource) throws(LarderError) {
    if let file = source.file {
      // Read, not mapped: what is read does not count as memory in use.
      try self.init(file, name: source.name)
      return
    }
    try source.gather()
    let input = ReadInput(source)
    self.init(name: source.name, count: input.count, storage: .input(input))
  }

  /// Bytes in memory.
  package init(_ bytes: [UInt8], name: String) {
    self.name = name
    count = bytes.count
    storage = .memory(bytes)
  }

  /// Fills a buffer from an offset.
  ///
  /// - Throws: `invalidInput` if the bytes end before.
  package func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(LarderError) {
    guard offset >= 0, offset <= count, buffer.count <= count - offset else {
      throw LarderError(
        .invalidInput,
        "\(buffer.count) bytes are expected here, and the file has \(count) bytes in all.",
        file: name, offset: UInt64(clamping: offset))
    }
    switch storage {
    case .file(let file):
      let got = unsafe try file.read(into: buffer, at: UInt64(offset))
      guard got == buffer.count else {
        throw LarderError(
          .invalidInput, "The file became shorter while it was read.", file: name,
          offset: UInt64(offset + got))
      }
    case .memory(let bytes):
      unsafe bytes.withUnsafeBytes { source in
        unsafe buffer.copyMemory(
          from: UnsafeRawBufferPointer(rebasing: source[offset..<(offset + buffer.count)]))
      }
    case .input(let input):
      let part = unsafe input.bytes[offset..<(offset + buffer.count)]
      unsafe buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: part))
    }
  }

  /// A range of the bytes in memory of their own.
  package func buffer(at offset: Int, count: Int) throws(LarderError) -> Buffer {
    guard offset >= 0, count >= 0, offset <= self.count, count <= self.count - offset else {
      throw LarderError(
        .invalidInput,
        "\(count) bytes are expected here, and the file has \(self.count) bytes in all.",
        file: name, offset: UInt64(clamping: offset))
    }
    let buffer = Buffer(uninitializedBytes: count)
    unsafe try read(into: buffer.mutableBytes, at: offset)
    return buffer
  }

  /// All the bytes in memory: the file's map, or the array's copy.
  ///
  /// Valid while the result lives.
  package func whole() throws(LarderError) -> Buffer {
    switch storage {
    case .file(let file):
      guard count > 0 else { return Buffer(uninitializedBytes: 0) }
      let map = try file.map(bytes: count)
      // The bytes are only ever read: the buffer type has one pointer for makers and readers.
      guard let start = unsafe map.bytes.baseAddress else { return Buffer(uninitializedBytes: 0) }
      return unsafe Buffer(
        borrowing: UnsafeMutableRawPointer(mutating: start), count: count,
        release: { withExtendedLifetime(map) {} })
    case .memory(let bytes): return Buffer(copying: bytes)
    case .input(let input):
      guard let start = unsafe input.bytes.baseAddress else {
        return Buffer(uninitializedBytes: 0)
      }
      return unsafe Buffer(
        borrowing: UnsafeMutableRawPointer(mutating: start), count: count,
        release: { withExtendedLifetime(input) {} })
    }
  }
}

/// An input whose bytes are all at hand, and stay so: any thread may read them.
@safe private final class ReadInput: @unchecked Sendable {
  private let source: ByteSource
  let bytes: UnsafeRawBufferPointer
  let count: Int

  init(_ source: ByteSource) {
    self.source = source
    unsafe bytes = UnsafeRawBufferPointer(source.window)
    count = unsafe bytes.count
  }
}

extension LarderError {
  /// A file that contradicts its format.
  static func malformed(_ message: String, offset: Int? = nil) -> LarderError {
    LarderError(.invalidInput, message, offset: offset.map { UInt64(clamping: $0) })
  }

  /// The same error with the column it happened in, where it names none itself.
  func inColumn(_ column: String) -> LarderError {
    var error = self
    if error.column == nil { error.column = column }
    return error
  }

  /// The same error with the file and the column it happened in, where it names none itself.
  func located(file: String, column: String? = nil) -> LarderError {
    var error = self
    if error.file == nil { error.file = file }
    if error.column == nil { error.column = column }
    return error
  }
}
