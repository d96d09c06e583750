import Glibc

/// A growing block of memory: the page cache of one simulated file.
///
/// A private map of a file shares the block until the next write, which copies it first. A file
/// that is mapped shared has a block of fixed address, in which all its maps lie.
@safe final class SimulatedBytes: @unchecked Sendable {
  /// The first byte; all bytes at and beyond the file's size are zero.
  private(set) var start: UnsafeMutableRawPointer
  private(set) var capacity: Int
  /// Whether shared maps lie in the block, so that it neither moves nor is copied on write.
  let isFixed: Bool

  /// The room in a fixed block, of address space: memory is taken as it is touched.
  static let fixedCapacity = 1 << 30

  /// A block that can grow.
  init(capacity: Int) {
    isFixed = false
    self.capacity = max(capacity, 64)
    unsafe start = .allocate(byteCount: self.capacity, alignment: 64)
    unsafe memset(start, 0, self.capacity)
  }

  /// A copy of the first bytes of another block, with some room.
  init(copying other: SimulatedBytes, count: Int, capacity: Int) {
    isFixed = false
    self.capacity = max(capacity, count, 64)
    unsafe start = .allocate(byteCount: self.capacity, alignment: 64)
    unsafe memcpy(start, other.start, count)
    unsafe memset(start + count, 0, self.capacity - count)
  }

  /// A block of fixed address with a copy of the first bytes of another; nil without memory.
  init?(fixing other: SimulatedBytes, count: Int) {
    isFixed = true
    capacity = Self.fixedCapacity
    let kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    let block = unsafe mmap(nil, capacity, PROT_READ | PROT_WRITE, kind, -1, 0)
    guard let block = unsafe block, unsafe block != MAP_FAILED, count <= capacity else {
      return nil
    }
    unsafe start = block
    unsafe memcpy(start, other.start, count)
  }

  deinit {
    if isFixed { unsafe munmap(start, capacity) } else { unsafe start.deallocate() }
  }

  /// Makes room for so many bytes; false if a fixed block has not that much.
  func grow(to count: Int, keeping used: Int) -> Bool {
    if count <= capacity { return true }
    if isFixed { return false }
    let larger = max(count, capacity * 2)
    let block = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 64)
    unsafe memcpy(block, start, used)
    unsafe memset(block + used, 0, larger - used)
    unsafe start.deallocate()
    unsafe start = block
    capacity = larger
    return true
  }

  /// The bytes of a sector, with zeros where the block ends before it does.
  func sector(_ index: Int) -> [UInt8] {
    let offset = index * SimulatedInode.sectorBytes
    let there = min(max(0, capacity - offset), SimulatedInode.sectorBytes)
    var bytes = [UInt8](repeating: 0, count: SimulatedInode.sectorBytes)
    unsafe bytes.withUnsafeMutableBytes { buffer in
      guard there > 0, let target = buffer.baseAddress else { return }
      unsafe memcpy(target, start + offset, there)
    }
    return bytes
  }

  /// Puts bytes at the start of a sector, as far as the first `size` bytes of the block reach.
  func setSector(_ index: Int, to bytes: [UInt8], size: Int) {
    let offset = index * SimulatedInode.sectorBytes
    let count = min(bytes.count, size - offset)
    guard count > 0 else { return }
    unsafe bytes.withUnsafeBytes { buffer in
      if let source = buffer.baseAddress { unsafe memcpy(start + offset, source, count) }
    }
  }

  /// Whether a sector has no byte but zeros.
  func isZero(sector index: Int) -> Bool {
    let offset = index * SimulatedInode.sectorBytes
    let end = min(capacity, offset + SimulatedInode.sectorBytes)
    for position in offset..<max(offset, end)
    where unsafe start.load(fromByteOffset: position, as: UInt8.self) != 0 {
      return false
    }
    return true
  }

  /// Whether a sector has these bytes.
  func sector(_ index: Int, equals bytes: ArraySlice<UInt8>) -> Bool {
    let offset = index * SimulatedInode.sectorBytes
    guard offset + bytes.count <= capacity else { return false }
    return unsafe bytes.withUnsafeBytes { buffer in
      guard let other = buffer.baseAddress else { return true }
      return unsafe memcmp(start + offset, other, buffer.count) == 0
    }
  }

  /// The first bytes.
  func prefix(_ count: Int) -> [UInt8] {
    unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
  }
}
