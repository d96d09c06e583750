import Larder
import LarderColumns
import LarderContract
import LarderFiles
import LarderOffline
import LarderOnline

/// A store and its copies, of which one file is harmed in one way.
struct HarmedCopies {
  /// Where a store can lie.
  enum Place: String, CaseIterable, Sendable {
    /// Where it was written, on the same boot.
    case original
    /// After a restart.
    case restarted
    /// What `backup` made.
    case backup
    /// What `cp -r` made: other inodes, everything else the same.
    case copied
    /// That, after a restart.
    case copiedRestarted

    var root: String {
      switch self {
      case .original, .restarted: "/s"
      case .backup: "/copy"
      case .copied, .copiedRestarted: "/cp"
      }
    }
  }

  /// What is done to a file.
  enum Harm: String, CaseIterable, Sendable {
    case flipped, flippedLate, halved, cutAtBlock, cutMore, deleted, older, zeroed
  }

  let base: DeathBase
  let place: Place
  let disk: SimulatedFileSystem
  /// The contents of files some commits earlier.
  private let older: [String: [UInt8]]

  init(_ base: DeathBase, _ place: Place) throws {
    self.base = base
    self.place = place
    var disk = base.machine()
    // One more commit, so that there is something older of every file that grows.
    let root = place.root
    func copyAll() throws {
      try Self.copyTree(disk, from: "/s", to: "/cp")
    }
    var earlier: [String: [UInt8]] = [:]
    for path in disk.paths where path.hasPrefix("/s/") {
      earlier[String(path.dropFirst(2))] = disk.contents(of: path)
    }
    let store = try base.shape.open(disk, order: 100)
    try store.tag("late")
    if place == .backup { try store.backup(to: "/copy") }
    try store.onlineStore?.close()
    disk = disk.forkAlone()
    if root == "/cp" { try copyAll() }
    if place == .restarted || place == .copiedRestarted {
      disk = disk.crash(seed: 3, .everything)
    }
    self.disk = disk
    older = earlier
  }

  /// The files of the store that is harmed.
  var files: [String] {
    disk.paths.filter { $0.hasPrefix(place.root + "/") && !$0.hasSuffix("/LOCK") }
  }

  /// Copies a directory file by file.
  private static func copyTree(
    _ disk: SimulatedFileSystem, from: String, to: String
  ) throws {
    try disk.makeDirectory(to)
    for path in disk.paths where path.hasPrefix(from + "/") {
      let target = to + path.dropFirst(from.count)
      var folder = to
      for part in target.dropFirst(to.count).split(separator: "/").dropLast() {
        folder += "/\(part)"
        try disk.makeDirectory(folder)
      }
      try disk.open(target, .create).write(disk.contents(of: path) ?? [], at: 0)
    }
  }

  /// What becomes of the store when a file is harmed.
  enum Outcome: Hashable, Sendable {
    /// The harm cannot be done to this file, or changes no byte.
    case void
    case found(String)
    /// Nothing was found, and every answer is right.
    case harmless
    /// Nothing was found, and an answer is wrong.
    case wrong(String)
  }

  func outcome(of harm: Harm, to path: String) -> Outcome {
    let machine = disk.forkAlone()
    let bytes = machine.contents(of: path) ?? []
    guard let harmed = harmed(bytes, harm, path) else { return .void }
    if harm == .deleted {
      do { try machine.remove(path) } catch { return .wrong("\(error)") }
    } else {
      machine.overwrite(path, with: harmed)
    }
    return look(machine)
  }

  private func harmed(_ bytes: [UInt8], _ harm: Harm, _ path: String) -> [UInt8]? {
    guard !bytes.isEmpty else { return nil }
    var changed = bytes
    let used = (bytes.lastIndex { $0 != 0 } ?? 0) + 1
    switch harm {
    case .flipped: changed[used / 3] ^= 0x10
    case .flippedLate: changed[used - 1] ^= 0x01
    case .halved: changed.removeLast(bytes.count - bytes.count / 2)
    case .cutAtBlock:
      // Where its last record begins, as far as blocks show it.
      let end = (used - 1) / 4_096 * 4_096
      guard end > 0, end < bytes.count else { return nil }
      changed.removeLast(bytes.count - end)
    case .cutMore:
      let end = (used - 1) / 4_096 * 4_096 - 4_096
      guard end > 0 else { return nil }
      changed.removeLast(bytes.count - end)
    case .deleted: return []
    case .older:
      guard let before = older[String(path.dropFirst(place.root.count))] else { return nil }
      changed = before
    case .zeroed:
      let end = (used - 1) / 4_096 * 4_096
      for index in end..<used { changed[index] = 0 }
    }
    return changed == bytes ? nil : changed
  }

  private func look(_ machine: SimulatedFileSystem) -> Outcome {
    let process = machine.anotherProcess()
    // A backup has the newest state alone.
    let checksTags = place != .backup
    do {
      let store = try base.shape.open(
        process, access: .readOnly, order: 300, path: place.root)
      let report = try store.verify(deep: true)
      if let finding = report.findings.first(where: { !$0.error.message.contains("erasure") }) {
        return .found("\(finding.error)")
      }
      let seen = try DeathObservation(
        store, drivers: DeathWorld.drivers, asksJoins: true, checksTags: checksTags)
      var world = base.world
      world.tags.insert("late")
      if let wrong = world.difference(seen, checksTags: checksTags) { return .wrong(wrong) }
      return .harmless
    } catch let error as LarderError {
      return process.isDown ? .wrong("it asks for locks forever") : .found("\(error)")
    } catch {
      return .wrong("\(error)")
    }
  }
}
