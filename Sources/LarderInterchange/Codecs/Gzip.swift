import CDeflate
import LarderColumns

/// Decompresses gzip's and zlib's framing of deflated bytes.
@safe final class DeflateDecompressor {
  private let context: OpaquePointer

  /// Makes a decompressor.
  ///
  /// - Throws: `limitExceeded` if there is no memory for one.
  init() throws(LarderError) {
    guard let context = unsafe libdeflate_alloc_decompressor() else {
      throw LarderError(.limitExceeded, "There is no memory for a gzip decompressor.")
    }
    unsafe self.context = context
  }

  deinit { unsafe libdeflate_free_decompressor(context) }

  /// What one member gave.
  private enum Step {
    case done(read: Int, written: Int)
    case needsRoom
  }

  /// Decompresses one member that lies at the front of some bytes.
  private func member(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(LarderError) -> Step {
    var read = 0
    var written = 0
    let isGzip = unsafe input.count >= 2 && input[0] == 0x1F && input[1] == 0x8B
    // An output without bytes still has a place.
    var nowhere: UInt8 = 0
    let result = unsafe withUnsafeMutableBytes(of: &nowhere) { spare in
      let target = unsafe output.baseAddress ?? spare.baseAddress
      return isGzip
        ? unsafe libdeflate_gzip_decompress_ex(
          context, input.baseAddress, input.count, target, output.count, &read, &written)
        : unsafe libdeflate_zlib_decompress_ex(
          context, input.baseAddress, input.count, target, output.count, &read, &written)
    }
    switch result {
    case LIBDEFLATE_SUCCESS: return .done(read: read, written: written)
    case LIBDEFLATE_INSUFFICIENT_SPACE: return .needsRoom
    default: throw .malformed("Compressed bytes are damaged: they are neither gzip nor zlib.")
    }
  }

  /// Decompresses all members into exactly as many bytes as are expected.
  ///
  /// - Throws: `invalidInput` if the bytes are damaged or give another length.
  func decompress(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) throws(LarderError) {
    var read = 0
    var written = 0
    repeat {
      let rest = unsafe UnsafeRawBufferPointer(rebasing: input[read...])
      let room = unsafe UnsafeMutableRawBufferPointer(rebasing: output[written...])
      guard case .done(let more, let bytes) = unsafe try member(rest, into: room) else {
        throw .malformed("gzip gives more than the \(output.count) bytes that are expected.")
      }
      read += more
      written += bytes
    } while read < input.count
    guard written == output.count else {
      throw .malformed("gzip gives \(written) bytes where \(output.count) are expected.")
    }
  }

  /// Decompresses all members of a file whose length nobody vouches for.
  ///
  /// Bytes behind the last member that begin none are ignored if they are zero, as gzip does.
  ///
  /// - Parameter limit: the most bytes that may come out.
  /// - Throws: `invalidInput`; `limitExceeded`.
  func decompress(
    _ input: UnsafeRawBufferPointer, limit: Int
  ) throws(LarderError) -> (bytes: Buffer, count: Int) {
    // The last member says how long it is, modulo 2^32; deflate yields at most 1,032 to 1.
    let tail = unsafe UnsafeRawBufferPointer(rebasing: input.suffix(4))
    let said = tail.count == 4 ? unsafe Int(tail.loadUnaligned(as: UInt32.self)) : 0
    let most = input.count.multipliedReportingOverflow(by: 1_032)
    let bound = most.overflow ? limit : min(limit, most.partialValue + 64)
    var buffer = Buffer(uninitializedBytes: min(max(said, 1 << 16), bound))
    var read = 0
    var written = 0
    while read < input.count {
      let rest = unsafe UnsafeRawBufferPointer(rebasing: input[read...])
      if read > 0, unsafe rest.allSatisfy({ $0 == 0 }) { break }
      let room = unsafe UnsafeMutableRawBufferPointer(
        start: buffer.base + written, count: buffer.count - written)
      switch unsafe try member(rest, into: room) {
      case .done(let more, let bytes):
        read += more
        written += bytes
      case .needsRoom:
        guard buffer.count < bound else {
          throw LarderError(
            .limitExceeded,
            "Compressed text is read up to \(limit) bytes; decompress it into a pipe instead: "
              + "zcat FILE | larder import STORE VIEW -")
        }
        let larger = Buffer(uninitializedBytes: min(bound, buffer.count * 2))
        unsafe larger.base.copyMemory(from: buffer.base, byteCount: written)
        buffer = larger
      }
    }
    return (buffer, written)
  }
}
