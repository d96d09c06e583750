import LarderColumns

/// What of the unsynced a crash leaves.
package enum SimulatedSurvival: Sendable, Hashable {
  /// None of it.
  case nothing
  /// All of it, in its last state.
  case everything
  /// Some of it, as the seed decides: present, absent, torn or garbage.
  case random
}

extension SimulatedMachine {
  /// The machine after a power failure; the mutex is held.
  func rebooted(seed crash: UInt64, _ survival: SimulatedSurvival) -> SimulatedMachine {
    var random = SimulatedRandom(seed: seed, salt: crash)
    let next = SimulatedMachine(seed: random.next(), boot: boot + 1, rootNumber: root.number)
    next.capacity = capacity
    next.isLocal = isLocal
    next.keepsLog = keepsLog
    next.nextInode = nextInode
    var outcome = CrashOutcome(seed: random.next(), survival: survival)
    outcome.copy(root, at: "/", into: next.root, of: next)
    return next
  }

  /// Visits every file that has a name, once for each name.
  func forEachFile(_ body: (SimulatedInode) -> Void) {
    for (_, directory) in directories {
      for case (_, .file(let inode)) in directory.entries { body(inode) }
    }
  }
}

/// Draws what the disk holds after a crash.
///
/// Every draw is seeded by the thing drawn for, so that the order of dictionaries plays no part.
private struct CrashOutcome {
  let seed: UInt64
  let survival: SimulatedSurvival
  /// How names fare: all are lost, all are kept, or each on its own.
  private let names: Int
  /// The surviving file of each number, which may have several names.
  private var files: [UInt64: SimulatedInode] = [:]

  init(seed: UInt64, survival: SimulatedSurvival) {
    self.seed = seed
    self.survival = survival
    var random = SimulatedRandom(seed: seed)
    names = random.below(4)
  }

  /// Copies a directory with what survives of its entries.
  mutating func copy(
    _ directory: SimulatedDirectory, at path: String, into target: SimulatedDirectory,
    of machine: SimulatedMachine
  ) {
    for (name, node) in directory.entries where directory.pending[name] == nil {
      restore(name, node, at: path, into: target, of: machine)
    }
    for (name, changes) in directory.pending {
      guard let node = survivor(changes) else { continue }
      restore(name, node, at: path, into: target, of: machine)
    }
  }

  private func survivor(_ changes: [SimulatedDirectory.Change]) -> SimulatedDirectory.Node? {
    guard let last = changes.last else { return nil }
    switch survival {
    case .nothing: return changes[0].node
    case .everything: return last.node
    case .random:
      if names == 0 { return changes[0].node }
      if names == 1 { return last.node }
      var random = SimulatedRandom(seed: seed, salt: UInt64(last.operation) &<< 20)
      return changes[random.below(changes.count)].node
    }
  }

  private mutating func restore(
    _ name: String, _ node: SimulatedDirectory.Node, at path: String,
    into target: SimulatedDirectory, of machine: SimulatedMachine
  ) {
    switch node {
    case .directory(let directory):
      let inner = SimulatedDirectory(number: directory.number)
      let innerPath = path == "/" ? "/\(name)" : "\(path)/\(name)"
      machine.directories[innerPath] = inner
      target.restore(name, to: .directory(inner))
      copy(directory, at: innerPath, into: inner, of: machine)
    case .file(let inode):
      let file: SimulatedInode
      if let known = files[inode.number] {
        file = known
      } else {
        var random = SimulatedRandom(seed: seed, salt: inode.number &<< 1 | 1)
        file = inode.afterCrash(survival, &random)
        files[inode.number] = file
        machine.account(0, file.allocated)
      }
      file.links += 1
      target.restore(name, to: .file(file))
    }
  }
}

extension SimulatedInode {
  /// What becomes of a sector that was not synced.
  private enum Fate { case kept, lost, superseded, garbage }

  /// The file as the disk has it after a crash.
  func afterCrash(_ survival: SimulatedSurvival, _ random: inout SimulatedRandom)
    -> SimulatedInode
  {
    noteMappedStores()
    if isClean, dropped.isEmpty {
      let copy =
        bytes.isFixed ? SimulatedBytes(copying: bytes, count: size, capacity: size) : bytes
      return SimulatedInode(number: number, bytes: copy, size: size)
    }
    let pattern: Int
    let length: Int
    switch survival {
    case .nothing: (pattern, length) = (0, durableSize)
    case .everything: (pattern, length) = (1, size)
    case .random:
      pattern = random.below(8)
      length = sizeAfterCrash(pattern, &random)
    }
    let disk = SimulatedBytes(copying: bytes, count: min(length, size), capacity: length)
    for (sector, content) in dropped { disk.setSector(sector, to: content, size: length) }
    let beyond = Self.sectors(durableSize)..<max(Self.sectors(durableSize), Self.sectors(length))
    let dirty = onDisk.keys.sorted() + beyond.filter { dropped[$0] == nil }
    let cut = dirty.isEmpty ? 0 : random.below(dirty.count + 1)
    let nothing = [UInt8](repeating: 0, count: Self.sectorBytes)
    for (place, sector) in dirty.enumerated() {
      switch fate(pattern, place, cut, &random) {
      case .kept: continue
      case .lost: disk.setSector(sector, to: onDisk[sector] ?? nothing, size: length)
      case .superseded:
        let earlier = superseded[sector] ?? onDisk[sector] ?? nothing
        disk.setSector(sector, to: earlier, size: length)
      case .garbage:
        // A sector of zeros was reserved and never written, or holds nothing to spoil.
        if onDisk[sector] == nil, bytes.isZero(sector: sector) { continue }
        let garbage = (0..<Self.sectorBytes).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        disk.setSector(sector, to: garbage, size: length)
      }
    }
    return SimulatedInode(number: number, bytes: disk, size: length)
  }

  /// The file's size on disk: the old one, the new one, or one between.
  private func sizeAfterCrash(_ pattern: Int, _ random: inout SimulatedRandom) -> Int {
    if pattern == 0 { return durableSize }
    if pattern == 1 || pattern == 7 || size == durableSize { return size }
    switch random.below(3) {
    case 0: return durableSize
    case 1: return size
    default: return durableSize + random.below(size - durableSize + 1)
    }
  }

  /// Decides for one of the dirty sectors, by the pattern drawn for the file.
  private func fate(_ pattern: Int, _ place: Int, _ cut: Int, _ random: inout SimulatedRandom)
    -> Fate
  {
    switch pattern {
    case 0: .lost
    case 1: .kept
    // Torn: what comes before the cut is there, or what comes after it.
    case 2: place < cut ? .kept : .lost
    case 3: place < cut ? .lost : .kept
    case 4: random.below(2) == 0 ? .kept : .lost
    case 5: [Fate.kept, .lost, .superseded, .garbage][random.below(4)]
    // All but one sector.
    case 6: place == cut ? (random.below(2) == 0 ? .garbage : .superseded) : .kept
    // The size without the bytes.
    default: .lost
    }
  }
}
