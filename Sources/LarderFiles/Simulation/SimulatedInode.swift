import Glibc

/// A simulated file: what processes see, and what the disk has instead.
///
/// The bytes are the page cache. The disk differs from them in *dirty* sectors: those below the
/// durable size that were written since the last sync, for which the disk's content is kept in
/// `onDisk`; and all from there to the end of the file, for which the disk has nothing.
final class SimulatedInode {
  /// What a disk writes whole or not at all.
  static let sectorBytes = 512

  let number: UInt64
  var bytes: SimulatedBytes
  /// The size that processes see.
  var size: Int
  /// The size on disk.
  var durableSize: Int
  /// What the disk has in the dirty sectors below the durable size.
  var onDisk: [Int: [UInt8]] = [:]
  /// What a dirty sector held before it was last written: the disk may have got that far.
  var superseded: [Int: [UInt8]] = [:]
  /// What the disk has in sectors that a failed sync has dropped: they count as clean, so that
  /// no later sync writes them (as ext4, xfs and btrfs do).
  var dropped: [Int: [UInt8]] = [:]
  /// The cache when it last was clean, of a file that is mapped for writing: stores into a map
  /// are found by comparison.
  var lastClean: [UInt8]?
  /// Names of the file.
  var links = 0
  /// Open descriptions of the file.
  var openings = 0
  /// Shared maps, by the process that has them.
  var sharers: [Int: Int] = [:]
  var locks = SimulatedLocks()

  init(number: UInt64) {
    self.number = number
    bytes = SimulatedBytes(capacity: 0)
    size = 0
    durableSize = 0
  }

  /// A file as the disk has it after a crash, with nothing dirty.
  init(number: UInt64, bytes: SimulatedBytes, size: Int) {
    self.number = number
    self.bytes = bytes
    self.size = size
    durableSize = size
  }

  /// The number of sectors that so many bytes touch.
  static func sectors(_ bytes: Int) -> Int { (bytes + sectorBytes - 1) / sectorBytes }

  /// The file's share of the disk.
  var allocated: Int { Self.sectors(size) * Self.sectorBytes }

  /// Whether a sync would write anything.
  var isClean: Bool { onDisk.isEmpty && size == durableSize }

  // MARK: What processes do

  /// Copies bytes out; returns how many there were.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Int {
    let count = max(0, min(buffer.count, size - offset))
    if count > 0, let target = buffer.baseAddress {
      unsafe memcpy(target, bytes.start + offset, count)
    }
    return count
  }

  /// Writes into the page cache; false if the block of a mapped file has no room.
  func write(_ source: UnsafeRawBufferPointer, at offset: Int) -> Bool {
    guard let from = source.baseAddress, source.count > 0 else { return true }
    let end = offset + source.count
    guard makeWritable(room: end) else { return false }
    noteMappedStores()
    let touched = offset / Self.sectorBytes..<Self.sectors(end)
    willChange(touched)
    unsafe memcpy(bytes.start + offset, from, source.count)
    size = max(size, end)
    return true
  }

  /// Extends the file by zeros; false if the block of a mapped file has no room.
  func extend(to end: Int) -> Bool {
    if end <= size { return true }
    guard makeWritable(room: end) else { return false }
    size = end
    return true
  }

  /// Gives the file a block of its own with room for so many bytes.
  private func makeWritable(room: Int) -> Bool {
    if !bytes.isFixed, !isKnownUniquelyReferenced(&bytes) {
      bytes = SimulatedBytes(copying: bytes, count: size, capacity: room)
    }
    return bytes.grow(to: room, keeping: size)
  }

  /// Keeps what sectors hold that are about to be written.
  private func willChange(_ sectors: Range<Int>) {
    let durable = Self.sectors(durableSize)
    // Sectors beyond the end hold nothing.
    for sector in sectors.clamped(to: 0..<Self.sectors(size)) {
      if let disk = dropped.removeValue(forKey: sector) {
        if sector < durable { onDisk[sector] = disk }
      } else if sector < durable, onDisk[sector] == nil {
        onDisk[sector] = bytes.sector(sector)
      } else if !bytes.isZero(sector: sector) {
        superseded[sector] = bytes.sector(sector)
      }
    }
  }

  // MARK: What syncs do

  /// Makes content and size durable.
  func sync() {
    noteMappedStores()
    onDisk.removeAll(keepingCapacity: true)
    superseded.removeAll(keepingCapacity: true)
    durableSize = size
    if lastClean != nil { lastClean = bytes.prefix(size) }
  }

  /// Fails to: what is dirty counts as clean and never reaches the disk.
  func dropDirty() {
    noteMappedStores()
    for (sector, disk) in onDisk { dropped[sector] = disk }
    let nothing = [UInt8](repeating: 0, count: Self.sectorBytes)
    for sector in Self.sectors(durableSize)..<Self.sectors(size) where dropped[sector] == nil {
      dropped[sector] = nothing
    }
    onDisk.removeAll()
    superseded.removeAll()
    if lastClean != nil { lastClean = bytes.prefix(size) }
  }

  /// Forgets clean pages: dropped sectors now read as the disk has them.
  func evictClean() {
    guard !dropped.isEmpty, makeWritable(room: size) else { return }
    for (sector, disk) in dropped { bytes.setSector(sector, to: disk, size: size) }
    dropped.removeAll()
    if lastClean != nil { lastClean = bytes.prefix(size) }
  }

  /// Has other bytes from now on, on disk too.
  func overwrite(with content: [UInt8]) {
    leaveMaps()
    bytes = SimulatedBytes(capacity: content.count)
    size = 0
    durableSize = 0
    onDisk = [:]
    superseded = [:]
    dropped = [:]
    unsafe content.withUnsafeBytes { all in _ = unsafe write(all, at: 0) }
    sync()
  }

  // MARK: Shared maps

  /// Moves the content to a block that shared maps may lie in; false without memory.
  func fixBytes() -> Bool {
    if bytes.isFixed { return true }
    guard let fixed = SimulatedBytes(fixing: bytes, count: size) else { return false }
    bytes = fixed
    return true
  }

  /// Moves the content away from its maps, whose stores then go nowhere.
  func leaveMaps() {
    noteMappedStores()
    lastClean = nil
    sharers = [:]
    if bytes.isFixed { bytes = SimulatedBytes(copying: bytes, count: size, capacity: size) }
  }

  /// From now on looks for stores into maps.
  func expectMappedStores() {
    if lastClean == nil { lastClean = bytes.prefix(size) }
  }

  /// Marks as dirty what was stored through maps.
  func noteMappedStores() {
    guard let clean = lastClean else { return }
    let durable = Self.sectors(durableSize)
    for sector in 0..<Self.sectors(clean.count) where onDisk[sector] == nil {
      let from = sector * Self.sectorBytes
      let part = clean[from..<min(from + Self.sectorBytes, clean.count)]
      if bytes.sector(sector, equals: part) { continue }
      let disk = dropped.removeValue(forKey: sector)
      // Beyond the durable size a sector is dirty by its place.
      if sector < durable {
        let padding = [UInt8](repeating: 0, count: Self.sectorBytes - part.count)
        onDisk[sector] = disk ?? part + padding
      }
    }
  }
}
