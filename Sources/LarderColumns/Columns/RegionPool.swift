import Glibc

/// Regions of huge pages that were given back, kept for the next large buffer.
///
/// The kernel clears fresh pages and faults them in one by one: for a result of some megabytes that
/// costs as much as computing it. Bounded, so that an idle process holds little: the kernel may
/// take all but `heldBytes` away whenever somebody else needs memory (`MADV_FREE`), and until then
/// they are as good as held. What was given back longest ago goes first.
final class RegionPool: Sendable {
  /// The size of a huge page; regions begin and end at multiples.
  static let pageBytes = 2 << 20
  /// Bytes that stay the process's own.
  static let heldBytes = 128 << 20
  /// Bytes that are kept at most, with those that the kernel may take: a sixteenth of the machine's
  /// memory, and no more than a large result needs.
  static let keptBytes = max(heldBytes, min(1 << 30, physicalMemory / 16))
  private static let perProcess = PerProcess<RegionPool> { _ in RegionPool() }
  /// That of this process.
  static var shared: RegionPool { perProcess.value }

  private struct Region {
    var address: UInt
    var length: Int
    /// Whether the kernel may take its pages.
    var isLent = false
  }
  private let kept = ForkSafeMutex<[Region]>([])

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
      var total = 0
      var index = kept.count - 1
      while index >= 0 {
        total += kept[index].length
        if total > Self.keptBytes { break }
        // Under the lock: nobody may take a region before its pages are lent.
        if total > Self.heldBytes, !kept[index].isLent {
          kept[index].isLent = Self.lend(kept[index].address, kept[index].length)
        }
        index -= 1
      }
      let gone = Array(kept[..<(index + 1)])
      kept.removeFirst(gone.count)
      return gone
    }
    for region in gone {
      unsafe munmap(UnsafeMutableRawPointer(bitPattern: region.address), region.length)
    }
  }

  /// Bytes that are kept, and those of them that the kernel may not take.
  var bytes: (kept: Int, held: Int) {
    kept.withLock { kept in
      (kept.reduce(0) { $0 + $1.length }, kept.reduce(0) { $0 + ($1.isLent ? 0 : $1.length) })
    }
  }

  /// Lets the kernel take a region's pages; where it knows no such thing, they are given back now.
  private static func lend(_ address: UInt, _ length: Int) -> Bool {
    let start = unsafe UnsafeMutableRawPointer(bitPattern: address)
    if unsafe madvise(start, length, MADV_FREE) == 0 { return true }
    return unsafe madvise(start, length, MADV_DONTNEED) == 0
  }

  /// Bytes of memory that the machine has.
  private static let physicalMemory = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))

  /// Maps fresh memory that starts on a huge page's boundary.
  private func map(_ length: Int) -> UnsafeMutableRawPointer {
    // Over-map by one huge page and trim.
    let huge = Self.pageBytes
    let mapped = unsafe mmap(
      nil, length + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else {
      OutOfMemory.end(length)
    }
    let head = (huge - Int(UInt(bitPattern: mapped) % UInt(huge))) % huge
    if head > 0 { unsafe munmap(mapped, head) }
    let start = unsafe mapped + head
    if huge > head { unsafe munmap(start + length, huge - head) }
    unsafe madvise(start, length, MADV_HUGEPAGE)
    return unsafe start
  }
}
