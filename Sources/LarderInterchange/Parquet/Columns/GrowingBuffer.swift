import Glibc
import LarderColumns

/// Memory that is filled from the front and moves when it must grow.
struct GrowingBuffer {
  private var buffer: Buffer
  /// How many bytes are filled.
  var used = 0

  /// Makes room for so many bytes.
  init(capacity: Int = 0) { buffer = Buffer(uninitializedBytes: capacity) }

  /// The first byte; valid until the next `reserve`.
  var base: UnsafeMutableRawPointer { unsafe buffer.base }

  /// Makes room for more bytes after the used ones, and for the slack that every buffer has.
  mutating func reserve(_ bytes: Int) {
    let wanted = used + bytes
    guard wanted > buffer.count else { return }
    let larger = Buffer(uninitializedBytes: max(wanted, buffer.count + buffer.count / 2, 256))
    unsafe memcpy(larger.base, buffer.base, used)
    buffer = larger
  }

  /// The filled bytes as a buffer, which shares the memory.
  func finish() -> Buffer {
    if buffer.count == used { return buffer }
    let owner = buffer
    return unsafe Buffer(
      borrowing: buffer.base, count: used, release: { withExtendedLifetime(owner) {} })
  }
}
