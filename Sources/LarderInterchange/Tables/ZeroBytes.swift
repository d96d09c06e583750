import Glibc
import LarderColumns

extension Buffer {
  /// Zeroed bytes that take no memory until they are written, however many: the machine has one page
  /// of zeros for all that is only read.
  static func zeros(_ count: Int) -> Buffer {
    guard count > 1 << 16 else { return Buffer(zeroedBytes: count) }
    let length = count + Buffer.slack
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    let start = unsafe mmap(nil, length, PROT_READ | PROT_WRITE, flags, -1, 0)
    guard let start = unsafe start, unsafe start != MAP_FAILED else {
      return Buffer(zeroedBytes: count)
    }
    // A huge page would be memory of its own.
    unsafe madvise(start, length, MADV_NOHUGEPAGE)
    let address = UInt(bitPattern: start)
    return unsafe Buffer(borrowing: start, count: count) {
      unsafe munmap(UnsafeMutableRawPointer(bitPattern: address), length)
    }
  }
}
