import Glibc
import LarderColumns
import LarderFiles
import Testing

@testable import LarderInterchange

/// Each limit of the formats one below, at, and one above.
@Suite struct LimitTests {
  /// A file with some bytes at some places and holes between, gone at the end.
  private func withSparseFile(
    bytes: Int, _ parts: [(Int, [UInt8])], _ body: (RandomAccessBytes) throws -> Void
  ) throws {
    let path = "/tmp/larder-limit-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    let descriptor = open(path, O_RDWR | O_CREAT, 0o600)
    defer {
      close(descriptor)
      unlink(path)
    }
    try #require(ftruncate(descriptor, bytes) == 0)
    for (offset, part) in parts {
      try #require(pwrite(descriptor, part, part.count, offset) == part.count)
    }
    try body(try RandomAccessBytes(try POSIXFileSystem().open(path, .read)))
  }

  private func littleEndian(_ value: Int) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
  }

  @Test(arguments: [-1, 0, 1])
  func footerOfParquet(beyond: Int) throws {
    let length = Limits.metadataBytes + beyond
    let mark = Array("PAR1".utf8)
    try withSparseFile(
      bytes: length + 12, [(0, mark), (length + 4, littleEndian(length) + mark)]
    ) { source in
      // A footer of zeros says nothing, which is found only where it is read.
      let code: LarderError.Code = beyond > 0 ? .limitExceeded : .invalidInput
      #expect { _ = try ParquetReader(source) } throws: { ($0 as? LarderError)?.code == code }
    }
  }

  @Test(arguments: [-1, 0, 1])
  func metadataOfArrow(beyond: Int) throws {
    let length = Limits.metadataBytes + beyond
    try withSparseFile(
      bytes: length + 8, [(0, [255, 255, 255, 255] + littleEndian(length))]
    ) { source in
      let code: LarderError.Code = beyond > 0 ? .limitExceeded : .invalidInput
      #expect { _ = try ArrowReader(source) } throws: { ($0 as? LarderError)?.code == code }
    }
  }

  /// The variable-length form of Thrift's compact integers.
  private func varint(_ value: Int) -> [UInt8] {
    var rest = UInt64(value)
    var bytes: [UInt8] = []
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }

  /// A data page's header, with a maximum of some bytes in its statistics.
  private func header(uncompressed: Int, compressed: Int, maximum: Int? = nil) -> [UInt8] {
    // type 0; the two sizes; then the data page: 1 value, PLAIN, levels RLE.
    var bytes: [UInt8] = [0x15, 0, 0x15] + varint(uncompressed * 2)
    bytes += [0x15] + varint(compressed * 2) + [0x2C, 0x15, 2, 0x15, 0, 0x15, 6, 0x15, 6]
    if let maximum {
      bytes += [0x1C, 0x18] + varint(maximum) + [UInt8](repeating: 7, count: maximum) + [0]
    }
    return bytes + [0, 0]
  }

  private func pages(_ bytes: [UInt8]) throws -> PageReader {
    var element = SchemaElement()
    element.type = .int64
    element.repetition = .required
    let leaf = try LeafType(element, int96Unit: .nanoseconds)
    let shape = ColumnShape(
      leaf: leaf, isList: false, presentLevel: 0, elementLevel: 0, maxDefinition: 0)
    var chunk = ColumnChunk()
    chunk.type = .int64
    chunk.codec = CompressionCodec.zstd.rawValue
    chunk.valueCount = 1
    chunk.dataPageOffset = 4
    chunk.compressedBytes = bytes.count
    return try PageReader(
      source: RandomAccessBytes([0, 0, 0, 0] + bytes, name: "pages"), chunk: chunk, shape: shape,
      fileEnd: 4 + bytes.count, scratch: PageScratch())
  }

  @Test(arguments: [-1, 0, 1])
  func pageDecompressed(beyond: Int) throws {
    let body = [UInt8](repeating: 0x55, count: 9_000)
    let bytes =
      header(uncompressed: Limits.parquetPageBytes + beyond, compressed: body.count) + body
    // What is no zstd is found only where it is decompressed.
    let code: LarderError.Code = beyond > 0 ? .limitExceeded : .invalidInput
    #expect { _ = try pages(bytes).next() } throws: { ($0 as? LarderError)?.code == code }
  }

  @Test(arguments: [-1, 0, 1])
  func pageHeader(beyond: Int) throws {
    let frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x20, 8, 0x41, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]
    let room = header(uncompressed: 8, compressed: frame.count, maximum: 1 << 23).count - (1 << 23)
    let maximum = Limits.parquetPageHeaderBytes - room + beyond
    let head = header(uncompressed: 8, compressed: frame.count, maximum: maximum)
    #expect(head.count == Limits.parquetPageHeaderBytes + beyond)
    let bytes = head + frame + [UInt8](repeating: 0, count: 64)
    if beyond > 0 {
      #expect { _ = try pages(bytes).next() } throws: {
        ($0 as? LarderError)?.code == .limitExceeded
      }
    } else {
      let reader = try pages(bytes)
      let page = try #require(try reader.next())
      #expect(Array(page.values) == [1, 2, 3, 4, 5, 6, 7, 8])
      // The page lies in the reader's memory.
      withExtendedLifetime(reader) {}
    }
  }

  /// A chain of groups, each in the one before, with a column at the end.
  private func nested(_ groups: Int) -> FileMetadata {
    var root = SchemaElement()
    root.children = 1
    var metadata = FileMetadata()
    metadata.elements = [root]
    for _ in 0..<groups {
      var group = SchemaElement()
      group.name = "g"
      group.repetition = .optional
      group.children = 1
      metadata.elements.append(group)
    }
    var leaf = SchemaElement()
    leaf.name = "c"
    leaf.repetition = .optional
    leaf.type = .int32
    metadata.elements.append(leaf)
    return metadata
  }

  @Test func depthOfASchema() throws {
    #expect(try nested(62).fields().count == 1)
    #expect(try nested(63).fields().count == 1)
    let deep = try nested(64).fields()
    #expect(deep.count == 1)
    // It stands in the way of nobody who asks for other columns.
    #expect(throws: LarderError.self) { try deep[0].shape.get() }
    #expect(try nested(20_000).fields().count == 1)
  }

  @Test(arguments: [-1, 0, 1])
  func fieldsOfAnArrowSchema(beyond: Int) throws {
    var builder = FlatBuilder()
    let name = builder.text("c")
    let type = builder.table([])
    let children = builder.vector([])
    // A few bytes may name the same field again and again.
    let field = builder.table([
      (0, .object(name)), (2, .byte(6)), (3, .object(type)), (5, .object(children)),
    ])
    let count = ArrowField.countLimit + beyond
    let fields = builder.vector([FlatBuilder.Place](repeating: field, count: count))
    let schema = builder.table([(1, .object(fields))])
    let message = builder.table([(0, .int16(4)), (1, .byte(1)), (2, .object(schema))])
    let metadata = builder.finish(message)
    let source = RandomAccessBytes(
      [255, 255, 255, 255] + littleEndian(metadata.count) + metadata, name: "fields")
    if beyond > 0 {
      #expect { _ = try ArrowReader.describe(source) } throws: {
        ($0 as? LarderError)?.code == .limitExceeded
      }
    } else {
      #expect(try ArrowReader.describe(source).columns.count == count)
    }
  }

  @Test(arguments: [-1, 0, 1])
  func fixedLengthValue(beyond: Int) throws {
    var element = SchemaElement()
    element.name = "c"
    element.repetition = .required
    element.type = .fixedLengthByteArray
    element.typeLength = Limits.valueBytes + beyond
    if beyond > 0 {
      #expect(throws: LarderError.self) { try LeafType(element, int96Unit: .nanoseconds) }
    } else {
      #expect(try LeafType(element, int96Unit: .nanoseconds).width == Limits.valueBytes + beyond)
    }
  }

  @Test func widthAndScaleOfADecimal() throws {
    func leaf(width: Int, scale: Int) throws -> LeafType {
      var element = SchemaElement()
      element.name = "d"
      element.repetition = .required
      element.type = .fixedLengthByteArray
      element.typeLength = width
      element.annotation = .decimal(scale: scale)
      return try LeafType(element, int96Unit: .nanoseconds)
    }
    for width in [63, 64] { #expect(try leaf(width: width, scale: 2).dataType == .decimal) }
    #expect(throws: LarderError.self) { try leaf(width: 65, scale: 2) }
    for scale in [159, 160] { #expect(try leaf(width: 64, scale: scale).dataType == .decimal) }
    #expect(throws: LarderError.self) { try leaf(width: 64, scale: 161) }
  }

  /// What is wrong in a file is told with file, column and row group.
  @Test func flawsNameFileColumnAndRowGroup() throws {
    let rows = 300
    let batch = try RecordBatch([
      "a": .int64((0..<rows).map { Int64($0) }),
      "b": .float64((0..<rows).map { Double($0) * 1.37 }),
    ])
    var writer = try ParquetWriter(
      schema: batch.schema, options: ParquetWriteOptions(rowGroupRows: 100))
    var bytes: [UInt8] = []
    try writer.append(batch, to: &bytes)
    try writer.finish(to: &bytes)
    let (metadata, _) = try ParquetReader.footer(RandomAccessBytes(bytes, name: "f"))
    let chunk = metadata.rowGroups[1].chunks[1]
    // The frame's mark, behind the page's header.
    let first = chunk.dictionaryPageOffset ?? chunk.dataPageOffset
    let mark = try #require(
      (first..<first + chunk.compressedBytes).first {
        Array(bytes[$0..<$0 + 4]) == [0x28, 0xB5, 0x2F, 0xFD]
      })
    bytes[mark] = 0
    let reader = try ParquetReader(RandomAccessBytes(bytes, name: "f.parquet"))
    do throws(LarderError) {
      while let batch = try reader.nextBatch() { #expect(batch.count > 0) }
      Issue.record("A broken page was read.")
    } catch {
      #expect(error.file == "f.parquet" && error.column == "b", "\(error)")
      #expect(error.message.hasPrefix("Row group 2: "), "\(error)")
      #expect(error.offset != nil)
    }
  }
}
