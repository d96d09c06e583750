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
