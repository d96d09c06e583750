import CBrotli
import LarderColumns

/// Decompresses one brotli stream into exactly as many bytes as are expected.
///
/// - Throws: `invalidInput` if the bytes are not a stream or give another length.
func decompressBrotli(
  _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
) throws(LarderError) {
  var written = output.count
  let result = unsafe BrotliDecoderDecompress(
    input.count, input.baseAddress?.assumingMemoryBound(to: UInt8.self), &written,
    output.baseAddress?.assumingMemoryBound(to: UInt8.self))
  guard result == BROTLI_DECODER_RESULT_SUCCESS else {
    throw .malformed(
      "Compressed bytes are damaged, or are not a brotli stream of \(output.count) bytes.")
  }
  guard written == output.count else {
    throw .malformed("brotli gives \(written) bytes where \(output.count) are expected.")
  }
}
