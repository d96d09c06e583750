import CLZ4
import CZstd
import LarderColumns

/// Decompresses one zstd frame into exactly as many bytes as are expected.
///
/// - Throws: `invalidInput` if the bytes are not a frame or give another length.
func decompressZstd(
  _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
) throws(LarderError) {
  let got = unsafe ZSTD_decompress(
    output.baseAddress, output.count, input.baseAddress, input.count)
  guard ZSTD_isError(got) == 0 else {
    throw .malformed("Compressed bytes are damaged: zstd says \(zstdErrorName(got)).")
  }
  guard got == output.count else {
    throw .malformed("zstd gives \(got) bytes where \(output.count) are expected.")
  }
}

/// Decompresses all frames of a file whose length nobody vouches for.
///
/// - Parameter limit: the most bytes that may come out.
/// - Throws: `invalidInput`; `limitExceeded`.
func decompressZstd(
  _ input: UnsafeRawBufferPointer, limit: Int
) throws(LarderError) -> (bytes: Buffer, count: Int) {
  guard let stream = unsafe ZSTD_createDStream() else {
    throw LarderError(.limitExceeded, "There is no memory for a zstd decompressor.")
  }
  defer { unsafe _ = ZSTD_freeDStream(stream) }
  var buffer = Buffer(uninitializedBytes: max(1 << 16, min(limit, input.count * 4)))
  var source = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
  var written = 0
  var isWhole = false
  while true {
    var target = unsafe ZSTD_outBuffer(
      dst: buffer.base, size: min(buffer.count, limit), pos: written)
    let before = unsafe source.pos
    let hint = unsafe ZSTD_decompressStream(stream, &target, &source)
    guard ZSTD_isError(hint) == 0 else {
      throw .malformed("Compressed bytes are damaged: zstd says \(zstdErrorName(hint)).")
    }
    isWhole = hint == 0
    let wrote = unsafe target.pos - written
    written = unsafe target.pos
    if unsafe source.pos == input.count, isWhole { return (buffer, written) }
    if unsafe target.pos < target.size {
      guard unsafe source.pos > before || wrote > 0 else {
        throw .malformed("Compressed bytes end in the middle of a zstd frame.")
      }
      continue
    }
    guard buffer.count < limit else {
      throw LarderError(
        .limitExceeded,
        "Compressed text is read up to \(limit) bytes; decompress it into a pipe instead: "
          + "zstdcat FILE | larder import STORE VIEW -")
    }
    let larger = Buffer(uninitializedBytes: min(limit, buffer.count * 2))
    unsafe larger.base.copyMemory(from: buffer.base, byteCount: written)
    buffer = larger
  }
}

/// How many bytes a zstd frame says it gives; nil if it does not say.
func zstdContentSize(_ input: UnsafeRawBufferPointer) -> Int? {
  // The two greatest numbers stand for an unknown size and for what is no frame.
  let size = unsafe ZSTD_getFrameContentSize(input.baseAddress, input.count)
  return size >= UInt64.max - 1 ? nil : Int(exactly: size)
}

/// Decompresses one LZ4 block into exactly as many bytes as are expected.
///
/// - Throws: `invalidInput` if the bytes are not a block or give another length.
func decompressLZ4Block(
  _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
) throws(LarderError) {
  guard let inputCount = Int32(exactly: input.count),
    let outputCount = Int32(exactly: output.count)
  else { throw LarderError(.limitExceeded, "An LZ4 block holds less than 2 GiB.") }
  let got = unsafe LZ4_decompress_safe(
    input.baseAddress, output.baseAddress, inputCount, outputCount)
  guard got == outputCount else {
    throw .malformed(
      got < 0
        ? "Compressed bytes are damaged: they are not an LZ4 block of \(outputCount) bytes."
        : "LZ4 gives \(got) bytes where \(outputCount) are expected.")
  }
}

private func zstdErrorName(_ code: Int) -> String {
  guard let name = unsafe ZSTD_getErrorName(code) else { return "error \(code)" }
  return unsafe String(cString: name)
}

/// A zstd compressor that keeps its tables from call to call.
@safe final class ZstdCompressor {
  private let context: OpaquePointer
  private let level: Int32

  /// Makes a compressor.
  ///
  /// - Parameter level: 1 (fast) to 19 (small).
  init(level: Int32) throws(LarderError) {
    guard let context = unsafe ZSTD_createCCtx() else {
      throw LarderError(.limitExceeded, "There is no memory for a zstd compressor.")
    }
    unsafe self.context = context
    self.level = level
  }

  deinit { unsafe ZSTD_freeCCtx(context) }

  /// Compresses bytes into one frame that names their number, appended to an array.
  func append(_ input: UnsafeRawBufferPointer, to output: inout [UInt8]) throws(LarderError) {
    let bound = ZSTD_compressBound(input.count)
    let start = output.count
    output.append(contentsOf: repeatElement(0, count: bound))
    let got = unsafe output.withUnsafeMutableBytes { bytes in
      unsafe ZSTD_compressCCtx(
        context, bytes.baseAddress.map { unsafe $0 + start }, bound, input.baseAddress,
        input.count, level)
    }
    guard ZSTD_isError(got) == 0 else {
      throw LarderError(.io, "zstd could not compress: \(zstdErrorName(got)).")
    }
    output.removeLast(bound - got)
  }
}
