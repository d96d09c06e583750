import CLZ4
import LarderColumns

/// Decompresses one LZ4 frame into exactly as many bytes as are expected.
///
/// - Throws: `invalidInput` if the bytes are not a frame or give another length.
func decompressLZ4Frame(
  _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
) throws(LarderError) {
  var context: OpaquePointer?
  let status = unsafe LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))
  guard LZ4F_isError(status) == 0, let context = unsafe context else {
    throw LarderError(.limitExceeded, "There is no memory for an LZ4 decompressor.")
  }
  defer { unsafe _ = LZ4F_freeDecompressionContext(context) }
  var read = 0
  var written = 0
  while true {
    var inputBytes = input.count - read
    var outputBytes = output.count - written
    let hint = unsafe LZ4F_decompress(
      context, output.baseAddress.map { unsafe $0 + written }, &outputBytes,
      input.baseAddress.map { unsafe $0 + read }, &inputBytes, nil)
    guard LZ4F_isError(hint) == 0 else {
      throw .malformed("Compressed bytes are damaged: they are not an LZ4 frame.")
    }
    read += inputBytes
    written += outputBytes
    if hint == 0 { break }
    guard inputBytes > 0 || outputBytes > 0 else {
      throw .malformed("An LZ4 frame does not give the \(output.count) bytes expected.")
    }
  }
  guard written == output.count else {
    throw .malformed("LZ4 gives \(written) bytes where \(output.count) are expected.")
  }
}
