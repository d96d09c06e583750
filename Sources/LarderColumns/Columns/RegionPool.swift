import Glibc
import Synchronization

/// Regions of huge pages that were given back, kept for the next large buffer.
///
/// The kernel clears fresh pages and faults them in one by one: for a result of some megabytes that
/// costs as much as computing it. Bounded, so that an idle process holds little.
final class RegionPool: Sendable {
  /// The size of a huge page; regions begin and end at multiples.
  static let pageBytes = 2 << 20
  /// Bytes that are kept at most; what was given back longest ago goes first.
  static let keptBytes = 128 << 20
  static let shared = RegionPool()

  private struct Region {
    var address: UInt
    var length: Int
  }
  private let kept = Mutex<[Region]>([])

  /// A region of at least so many bytes, of unspecified content; its true length beside it.
  func take(atLeast bytes: Int) -> (base: UnsafeMutableRawPointer, length: Int) {
    let length = (bytes + Self.pageBytes - 1) / Self.pageBytes * Self.pageBytes
    let found = kept.withLock { kept -> Region? in
      // A region twice as long would be wasted on it.
      let fitting = kept.indices.filter {
        kept[$0].length >= length && kept[$0].length <= 2 * length
      }
      guard let best = fitting.min(by: { kept[$0].length < kept[$1].length }) else { return nil }
      return kept.remove(at: best)
    }
    if let found, let base = unsafe UnsafeMutableRawPointer(bitPattern: found.address) {
      return unsafe (base, found.length)
    }
    return unsafe (map(length), length)
  }

  /// Gives a region back.
  func give(_ address: UInt, _ length: Int) {
    let gone = kept.withLock { kept -> [Region] in
      kept.append(Region(address: address, length: length))
      var total = kept.reduce(0) { $0 + $1.length }
      var gone: [Region] = []
      while total > Self.keptBytes {
        let first = kept.removeFirst()
        total -= first.length
        gone.append(first)
      }
      return gone
    }
    for region in gone {
      unsafe munmap(UnsafeMutableRawPointer(bitPattern: region.address), region.length)
    }
  }

  /// Maps fresh memory that starts on a huge page's boundary.
  private func map(_ length: Int) -> UnsafeMutableRawPointer {
    // Over-map by one huge page and trim.
    let huge = Self.pageBytes
    let mapped = unsafe mmap(
      nil, length + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else {
      fatalError("out of memory: \(length) bytes")
    }
    let head = (huge - Int(UInt(bitPattern: mapped) % UInt(huge))) % huge
    if head > 0 { unsafe munmap(mapped, head) }
    let start = unsafe mapped + head
    if huge > head { unsafe munmap(start + length, huge - head) }
    unsafe madvise(start, length, MADV_HUGEPAGE)
    return unsafe start
  }
}
