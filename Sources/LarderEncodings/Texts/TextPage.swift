import CZstd
import Glibc

/// The texts of a page of a cold segment as one zstd frame.
package enum TextPage {
  private static let level: Int32 = 3

  /// Compresses bytes; nil if zstd has no memory for it.
  @unsafe package static func encode(_ bytes: UnsafeRawBufferPointer) -> ByteSink? {
    let room = ByteSink(capacity: 64)
    let bound = ZSTD_compressBound(bytes.count)
    let start = unsafe room.extend(by: bound)
    let got = unsafe ZSTD_compress(start, bound, bytes.baseAddress, bytes.count, level)
    guard ZSTD_isError(got) == 0 else { return nil }
    let sink = ByteSink(capacity: got + 64)
    unsafe sink.append(UnsafeRawBufferPointer(start: start, count: got))
    return sink
  }

  /// Decompresses a page, padded; false if it is none of so many bytes.
  @unsafe package static func decode(
    _ bytes: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) -> Bool {
    guard let start = bytes.baseAddress else { return unsafe target.isEmpty }
    let frame = unsafe ZSTD_findFrameCompressedSize(start, bytes.count)
    guard ZSTD_isError(frame) == 0 else { return false }
    let got = unsafe ZSTD_decompress(target.baseAddress, target.count, start, frame)
    return ZSTD_isError(got) == 0 && got == target.count
  }

  /// Copies a page that was not compressed, padded; false if it is too short.
  @unsafe package static func copy(
    _ bytes: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) -> Bool {
    guard target.count <= bytes.count, let start = bytes.baseAddress,
      let place = target.baseAddress
    else { return unsafe target.isEmpty }
    unsafe memcpy(place, start, target.count)
    return true
  }
}
