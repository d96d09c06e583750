import Glibc
import LarderColumns

/// Memory that a column chunk's reader needs while it reads, handed from chunk to chunk.
final class PageScratch {
  /// Bytes of the file.
  var window = Buffer(uninitializedBytes: 0)
  /// One page, decompressed.
  var page = Buffer(uninitializedBytes: 0)
  private var deflate: DeflateDecompressor?

  /// A decompressor for gzip, made once.
  func gzip() throws(LarderError) -> DeflateDecompressor {
    if let deflate { return deflate }
    let made = try DeflateDecompressor()
    deflate = made
    return made
  }

  /// Makes room for a page.
  func page(of bytes: Int) -> UnsafeMutableRawBufferPointer {
    if page.count < bytes { page = Buffer(uninitializedBytes: bytes + bytes / 4) }
    return unsafe UnsafeMutableRawBufferPointer(start: page.base, count: bytes)
  }
}

/// One page, its parts valid until the next is read.
///
/// 8 readable bytes follow each part.
@safe struct Page {
  var header: PageHeader
  var repetitions: UnsafeRawBufferPointer
  var definitions: UnsafeRawBufferPointer
  var values: UnsafeRawBufferPointer
}

/// Reads the pages of a column chunk one by one: header, checksum, decompression, levels apart.
@safe final class PageReader {
  private let source: RandomAccessBytes
  private let shape: ColumnShape
  private let codec: CompressionCodec
  private let end: Int
  private let scratch: PageScratch
  private var position: Int
  /// Where the window's first byte lies in the file, and how many bytes it holds.
  private var windowStart = 0
  private var windowCount = 0

  /// How much of the file is read at a time, if pages are not larger.
  private static let windowBytes = 1 << 20

  /// Starts at a chunk's first page.
  ///
  /// - Parameter fileEnd: where the footer starts: no page lies behind it.
  /// - Throws: `unsupported` for a codec that is not read, by name; `invalidInput` for a chunk
  ///   that lies outside the file.
  init(
    source: RandomAccessBytes, chunk: ColumnChunk, shape: ColumnShape, fileEnd: Int,
    scratch: PageScratch
  ) throws(LarderError) {
    self.source = source
    self.shape = shape
    self.scratch = scratch
    codec = try PageReader.codec(chunk.codec)
    var start = chunk.dataPageOffset
    // Some writers say 0 where there is no dictionary.
    if let dictionary = chunk.dictionaryPageOffset, dictionary >= 4 {
      start = min(start, dictionary)
    }
    guard start >= 4, start <= fileEnd, chunk.compressedBytes <= fileEnd - start else {
      throw .malformed(
        "\(chunk.compressedBytes) bytes of pages at \(start), before a footer at \(fileEnd).")
    }
    position = start
    // Old writers left a page header out of the chunk's size; the number of values ends the chunk.
    end = min(fileEnd, start + chunk.compressedBytes + 128)
  }

  private static func codec(_ raw: Int32) throws(LarderError) -> CompressionCodec {
    guard let codec = CompressionCodec(rawValue: raw) else {
      throw LarderError(.unsupported, "Compression codec \(raw) is not known.")
    }
    guard codec != .lzo else {
      throw LarderError(
        .unsupported,
        "Compression by LZO is not read; write the file with ZSTD, SNAPPY or GZIP.")
    }
    return codec
  }

  /// Bytes of the file, valid until the next call.
  private func bytes(at offset: Int, count: Int) throws(LarderError) -> UnsafeRawBufferPointer {
    guard count <= end - offset else {
      throw .malformed("A page leaves its column chunk.", offset: offset)
    }
    if offset < windowStart || count > windowStart + windowCount - offset {
      let wanted = min(max(count, PageReader.windowBytes), end - offset)
      if scratch.window.count < wanted {
        scratch.window = Buffer(
          uninitializedBytes: max(wanted + wanted / 4, PageReader.windowBytes))
      }
      windowCount = 0
      unsafe try source.read(
        into: UnsafeMutableRawBufferPointer(start: scratch.window.base, count: wanted), at: offset)
      windowStart = offset
      windowCount = wanted
    }
    return unsafe UnsafeRawBufferPointer(
      start: scratch.window.base + (offset - windowStart), count: count)
  }

  /// The next page, or nil where the chunk's bytes end.
  func next() throws(LarderError) -> Page? {
    while position < end {
      let start = position
      let header = try readHeader()
      guard header.compressedBytes <= end - position else {
        throw .malformed(
          "A page of \(header.compressedBytes) bytes leaves its column chunk.", offset: start)
      }
      let body = unsafe try bytes(at: position, count: header.compressedBytes)
      position += header.compressedBytes
      if header.kind == .index { continue }
      if let expected = header.checksum {
        let found = unsafe CRC32.checksum(body)
        guard found == expected else {
          throw .malformed(
            "A page's bytes have checksum \(found), and its header says \(expected).",
            offset: start)
        }
      }
      do throws(LarderError) {
        return unsafe try header.kind == .dataV2 ? split2(header, body) : split1(header, body)
      } catch {
        var error = error
        if error.offset == nil { error.offset = UInt64(start) }
        throw error
      }
    }
    return nil
  }

  private func readHeader() throws(LarderError) -> PageHeader {
    var room = 512
    while true {
      let count = min(room, end - position)
      var reader = unsafe CompactReader(try bytes(at: position, count: count))
      do throws(LarderError) {
        let header = try PageHeader(&reader)
        position += reader.position
        return header
      } catch {
        // Long statistics make long headers: try again with more bytes, if there are more.
        guard reader.ranOut, count < end - position else {
          var error = error
          if error.offset != nil { error.offset = UInt64(position) }
          throw error
        }
        guard room < Limits.parquetPageHeaderBytes else {
          throw LarderError(
            .limitExceeded,
            "A page has a header of more than \(Limits.parquetPageHeaderBytes) bytes.",
            offset: UInt64(clamping: position))
        }
        room = min(room * 16, Limits.parquetPageHeaderBytes)
      }
    }
  }

  /// Version 1 and dictionaries: levels and values are compressed together.
  private func split1(
    _ header: PageHeader, _ body: UnsafeRawBufferPointer
  ) throws(LarderError) -> Page {
    let empty = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    var rest = unsafe try decompress(body, header.uncompressedBytes, codec)
    var page = unsafe Page(header: header, repetitions: empty, definitions: empty, values: rest)
    if header.kind == .dictionary { return page }
    if shape.maxRepetition > 0 {
      unsafe page.repetitions = try levels(
        &rest, header.repetitionEncoding, header.valueCount, shape.maxRepetition)
    }
    if shape.maxDefinition > 0 {
      unsafe page.definitions = try levels(
        &rest, header.definitionEncoding, header.valueCount, shape.maxDefinition)
    }
    unsafe page.values = rest
    return page
  }

  /// Takes the levels off the front of a page of version 1, in the hybrid encoding.
  private func levels(
    _ rest: inout UnsafeRawBufferPointer, _ encoding: Int32, _ count: Int, _ greatest: UInt8
  ) throws(LarderError) -> UnsafeRawBufferPointer {
    guard encoding == Encoding.rle.rawValue else {
      if encoding == Encoding.bitPacked.rawValue {
        throw LarderError(
          .unsupported, "Levels in the deprecated BIT_PACKED encoding are not read.")
      }
      throw .malformed("Levels in encoding \(encoding).")
    }
    guard rest.count >= 4, let base = rest.baseAddress else {
      throw .malformed("A page ends before its levels.")
    }
    let length = unsafe Int(base.loadUnaligned(as: UInt32.self))
    guard length <= rest.count - 4 else {
      throw .malformed("Levels of \(length) bytes in a page of \(rest.count).")
    }
    let levels = unsafe UnsafeRawBufferPointer(start: base + 4, count: length)
    unsafe rest = UnsafeRawBufferPointer(start: base + 4 + length, count: rest.count - 4 - length)
    return unsafe levels
  }

  /// Version 2: levels stand uncompressed before the values.
  private func split2(
    _ header: PageHeader, _ body: UnsafeRawBufferPointer
  ) throws(LarderError) -> Page {
    let levels = header.repetitionBytes + header.definitionBytes
    guard levels <= body.count, levels <= header.uncompressedBytes else {
      throw .malformed("Levels of \(levels) bytes in a page of \(body.count).")
    }
    let repetitions = unsafe UnsafeRawBufferPointer(rebasing: body[..<header.repetitionBytes])
    let definitions = unsafe UnsafeRawBufferPointer(
      rebasing: body[header.repetitionBytes..<levels])
    let values = unsafe UnsafeRawBufferPointer(rebasing: body[levels...])
    // A page of nulls has no values, and nothing to decompress.
    let codec = header.isCompressed && values.count > 0 ? codec : .uncompressed
    let plain = unsafe try decompress(values, header.uncompressedBytes - levels, codec)
    return unsafe Page(
      header: header, repetitions: repetitions, definitions: definitions, values: plain)
  }

  private func decompress(
    _ bytes: UnsafeRawBufferPointer, _ size: Int, _ codec: CompressionCodec
  ) throws(LarderError) -> UnsafeRawBufferPointer {
    if codec == .uncompressed {
      guard bytes.count == size else {
        throw .malformed("A page of \(bytes.count) bytes, where its header says \(size).")
      }
      return unsafe bytes
    }
    guard size <= Limits.parquetPageBytes else {
      throw LarderError(
        .limitExceeded, "A page of \(size) bytes; at most \(Limits.parquetPageBytes) are read.")
    }
    guard unsafe codec.mayYield(size, from: bytes) else {
      throw .malformed("A page of \(size) bytes is said to be compressed to \(bytes.count).")
    }
    let output = unsafe scratch.page(of: size)
    switch codec {
    case .snappy: unsafe try decompressSnappy(bytes, into: output)
    case .zstd: unsafe try decompressZstd(bytes, into: output)
    case .gzip: unsafe try scratch.gzip().decompress(bytes, into: output)
    case .brotli: unsafe try decompressBrotli(bytes, into: output)
    case .lz4Hadoop: unsafe try decompressHadoopLZ4(bytes, into: output)
    default: unsafe try decompressLZ4Block(bytes, into: output)
    }
    return UnsafeRawBufferPointer(output)
  }
}

extension CompressionCodec {
  /// Whether bytes may stand for so many: asked before memory is taken on a page's word.
  fileprivate func mayYield(_ size: Int, from bytes: UnsafeRawBufferPointer) -> Bool {
    switch self {
    // Three bytes copy 64; the length stands in front.
    case .snappy: size / 32 <= bytes.count
    // A byte adds at most 255 to a length.
    case .lz4Raw, .lz4Hadoop: size / 256 <= bytes.count
    // Two bits copy 258 bytes.
    case .gzip: size / 1_032 <= bytes.count
    // Frames say what they give, or have blocks of at most 128 KiB, of four bytes at least.
    case .zstd: unsafe zstdContentSize(bytes).map { $0 == size } ?? (size / 32_768 <= bytes.count)
    // A command of a few bytes copies up to 16 MiB.
    case .brotli: size / (1 << 22) <= bytes.count
    case .uncompressed, .lzo: true
    }
  }
}
