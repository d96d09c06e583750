import Glibc
import LarderColumns
import Synchronization

/// Memory that a column's packed pages are unpacked to, each when it is first touched.
///
/// Pages that nobody touches take no memory. It lives as long as the column: `SegmentCache` lets go of
/// segments when all images together take more than `PageImage.keptBytes`.
@safe final class PageImage: @unchecked Sendable {
  /// The first byte; 8 more than asked for can be read.
  let base: UnsafeMutableRawPointer
  /// Held by who unpacks a page.
  let unpacking = ForkSafeMutex(())
  private let length: Int
  private let unpacked = Atomic(0)

  /// Bytes of all images' pages that were unpacked.
  private static let total = Atomic(0)
  /// Bytes that images may keep from query to query.
  static let keptBytes = 1 << 30
  /// Whether images take more than they may keep.
  static var areTooMany: Bool { total.load(ordering: .relaxed) > keptBytes }

  /// - Throws: `limitExceeded` if there is no memory.
  init(bytes: Int) throws(LarderError) {
    length = bytes + 64
    let mapped = unsafe mmap(
      nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let start = unsafe mapped, unsafe start != MAP_FAILED else {
      throw LarderError(
        .limitExceeded, "There is no memory to unpack \(bytes) bytes of a cold column.",
        systemError: errno)
    }
    unsafe base = start
  }

  /// Notes that a page of some bytes was unpacked.
  func noteUnpacked(_ bytes: Int) {
    unpacked.add(bytes, ordering: .relaxed)
    Self.total.add(bytes, ordering: .relaxed)
  }

  deinit {
    Self.total.subtract(unpacked.load(ordering: .relaxed), ordering: .relaxed)
    unsafe munmap(base, length)
  }
}
