import LarderColumns

/// The nodes and buffers of one record batch, checked against its body.
///
/// Buffers are handed out in place where they are aligned and followed by readable bytes, and as
/// copies otherwise.
@safe struct ArrowBatchBody: ArrowBody {
  /// The file's bytes: buffers in place share them.
  private let file: Buffer
  private let bodyStart: Int
  private let nodes: [Int64]
  private let buffers: [Int64]
  private let codec: Int8?
  /// How many data buffers each view column has.
  let variadicCounts: [Int64]
  /// How many rows the batch has.
  let count: Int

  /// Reads the header of a batch.
  init(_ header: FlatTable, message: ArrowMessage, file: Buffer) throws(LarderError) {
    self.file = file
    bodyStart = message.bodyStart
    let rows = try header.scalar(0, default: Int64(0))
    guard rows >= 0, rows <= Int64(Limits.batchRows) else {
      throw LarderError(
        .limitExceeded, "A batch of \(rows) rows; at most \(Limits.batchRows) are read.")
    }
    count = Int(rows)
    nodes = try header.words(1, perStruct: 2)
    buffers = try header.words(2, perStruct: 2)
    variadicCounts = try header.words(4, perStruct: 1)
    if let compression = try header.table(3) {
      let codec = try compression.scalar(0, default: Int8(0))
      guard codec == 0 || codec == 1, try compression.scalar(1, default: Int8(0)) == 0 else {
        throw LarderError(.unsupported, "Compression codec \(codec) of buffers is not known.")
      }
      self.codec = codec
    } else {
      codec = nil
    }
    for index in stride(from: 0, to: buffers.count, by: 2) {
      let (offset, length) = (buffers[index], buffers[index + 1])
      guard offset >= 0, length >= 0, offset <= Int64(message.bodyBytes),
        length <= Int64(message.bodyBytes) - offset
      else {
        throw .malformed("A buffer of \(length) bytes at \(offset) leaves its message's body.")
      }
    }
  }

  /// The length and the number of nulls that a node says.
  func node(_ index: Int) throws(LarderError) -> (length: Int, nulls: Int) {
    guard index * 2 + 1 < nodes.count, let length = Int(exactly: nodes[index * 2]),
      let nulls = Int(exactly: nodes[index * 2 + 1]), length >= 0, nulls >= 0, nulls <= length,
      length <= Limits.batchRows
    else { throw .malformed("A batch has too few nodes, or nodes of impossible lengths.") }
    return (length, nulls)
  }

  /// A buffer's bytes, decompressed.
  ///
  /// - Parameters:
  ///   - bytes: how many are needed at least.
  ///   - what: names the buffer in messages.
  func buffer(
    _ index: Int, atLeast bytes: Int, _ what: String
  ) throws(LarderError) -> Buffer {
    guard index * 2 + 1 < buffers.count else {
      throw .malformed("A batch has too few buffers: its \(what) are missing.")
    }
    let offset = bodyStart + Int(buffers[index * 2])
    let length = Int(buffers[index * 2 + 1])
    let buffer = try codec == nil ? inPlace(offset, length) : decompress(offset, length)
    guard buffer.count >= bytes else {
      throw .malformed(
        "A buffer of \(buffer.count) bytes holds \(what) that take \(bytes) bytes.")
    }
    return buffer
  }

  /// Whether a buffer has no bytes, as validity bitmaps without nulls may.
  func isEmpty(_ index: Int) -> Bool {
    index * 2 + 1 >= buffers.count || buffers[index * 2 + 1] == 0
  }

  private func inPlace(_ offset: Int, _ length: Int) -> Buffer {
    let start = unsafe file.base + offset
    // Words are read in place, and up to 8 bytes past the end.
    if UInt(bitPattern: start) % 8 == 0, offset + length + 8 <= file.count {
      let owner = file
      return unsafe Buffer(
        borrowing: start, count: length, release: { withExtendedLifetime(owner) {} })
    }
    let copy = Buffer(uninitializedBytes: length)
    if length > 0 { unsafe copy.base.copyMemory(from: start, byteCount: length) }
    return copy
  }

  private func decompress(_ offset: Int, _ length: Int) throws(LarderError) -> Buffer {
    if length == 0 { return Buffer(uninitializedBytes: 0) }
    guard length >= 8 else { throw .malformed("A compressed buffer of \(length) bytes.") }
    let size = unsafe file.base.loadUnaligned(fromByteOffset: offset, as: Int64.self)
    if size == -1 { return inPlace(offset + 8, length - 8) }
    let input = unsafe UnsafeRawBufferPointer(
      start: file.base + offset + 8, count: length - 8)
    // What the bytes can stand for at most bounds what is allocated on the file's word.
    let said = codec == 0 ? nil : unsafe zstdContentSize(input)
    let ratio: Int64 = codec == 0 ? 256 : 32_768
    guard size >= 0, said.map({ Int64($0) == size }) ?? (size / ratio <= Int64(length)),
      size <= Int64(Limits.columnBytes) * 8
    else {
      throw .malformed("A buffer of \(size) bytes is said to be compressed to \(length).")
    }
    let output = Buffer(uninitializedBytes: Int(size))
    if size == 0 { return output }
    if codec == 0 {
      unsafe try decompressLZ4Frame(input, into: output.mutableBytes)
    } else {
      unsafe try decompressZstd(input, into: output.mutableBytes)
    }
    return output
  }
}
