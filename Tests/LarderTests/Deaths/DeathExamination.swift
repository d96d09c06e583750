import Glibc
import Larder
import LarderColumns
import LarderContract
import LarderFiles
import LarderOffline
import LarderOnline

/// What was promised when a machine came into the state that is examined.
struct DeathPromise: Sendable {
  /// The states that may be there, each whole.
  var worlds: [DeathWorld]
  /// The states that an acknowledged backup may show; empty if there is none.
  var copies: [DeathWorld] = []
  /// Whether some command said that nothing of the forgotten driver is left.
  var isErased = false
}

/// Looks at what deaths left: a third process commits something small, a fourth checks everything.
struct DeathExamination {
  let base: DeathBase
  let broken: DeathBreak

  /// - Returns: what is wrong; nil if nothing is.
  func finding(_ disk: SimulatedFileSystem, _ promise: DeathPromise, seed: UInt64) -> String? {
    do {
      let third = try open(disk, order: 300)
      try third.tag("third")
      try close(third)
    } catch {
      return "third: \(error)"
    }
    do {
      let process = disk.anotherProcess()
      let store = try open(
        process, access: seed % 2 == 0 ? .readOnly : .readWrite, order: 400)
      if let found = try compare(
        store, promise.worlds, "", asksJoins: seed % 4 < 2, checksTags: seed % 4 > 0)
      {
        return found
      }
      try close(store)
      if let found = try checkErasure(disk, promise, seed) { return found }
      if !promise.copies.isEmpty {
        let copy = try open(disk.anotherProcess(), order: 500, path: "/copy")
        if let found = try compare(
          copy, promise.copies, "copy: ", asksJoins: true, checksTags: false)
        {
          return found
        }
        try close(copy)
      }
    } catch {
      return "look: \(error)"
    }
    return nil
  }

  /// Looks as a reader only.
  ///
  /// - Returns: what is wrong; nil if nothing is.
  func sight(_ disk: SimulatedFileSystem, _ promise: DeathPromise) -> String? {
    do {
      let store = try open(disk, access: .readOnly, order: 150)
      return try compare(
        store, promise.worlds, "right after: ", asksJoins: true, checksTags: true)
    } catch {
      return "right after: \(error)"
    }
  }

  private func open(
    _ process: SimulatedFileSystem, access: StoreAccess = .readWrite, order: Int,
    path: String = "/s"
  ) throws -> FeatureStore {
    try base.shape.open(process, access: access, order: order, path: path, broken.confined(to: nil))
  }

  private func close(_ store: FeatureStore) throws {
    try store.onlineStore?.close()
  }

  private func compare(
    _ store: FeatureStore, _ worlds: [DeathWorld], _ place: String, asksJoins: Bool,
    checksTags: Bool
  ) throws -> String? {
    let report = try store.verify(deep: true)
    if let finding = report.findings.first(where: { !$0.error.message.contains("erasure") }) {
      return "\(place)verify: \(finding.error)"
    }
    let seen = try DeathObservation(
      store, drivers: DeathWorld.drivers, asksJoins: asksJoins, checksTags: checksTags)
    var differences: [String] = []
    for world in worlds {
      guard let found = world.difference(seen, checksTags: checksTags) else { return nil }
      if !differences.contains(found) { differences.append(found) }
    }
    return
      "\(place)\(differences.isEmpty ? "no state is possible" : differences.joined(separator: "; or "))"
  }

  /// Whoever is forgotten is gone from every file, at once or after the erasure was continued.
  private func checkErasure(
    _ disk: SimulatedFileSystem, _ promise: DeathPromise, _ seed: UInt64
  ) throws -> String? {
    let name = DeathCommand.forgettable
    if promise.isErased, let path = disk.file(containing: name, under: "/s/") {
      return "erasure: certified, and \(path) holds the name"
    }
    let pending = Set(promise.worlds.map { $0.erased.contains(name) })
    // Of the erasure that every case of a shape begins with, one in four is followed to its end.
    guard pending.contains(true) || (base.shape == .erasing && seed % 4 == 1) else { return nil }
    let process = disk.anotherProcess()
    let store = try open(process, order: 600)
    let keys = try RecordBatch(["driver_id": .string([name])])
    let report = try store.erase("driver", keys: keys)
    try close(store)
    guard report.isComplete else { return "erasure: never completes: \(report.pending)" }
    if let path = disk.file(containing: name, under: "/s/") {
      return "erasure: completed later, and \(path) holds the name"
    }
    guard pending == [true] else { return nil }
    let after = try open(disk.anotherProcess(), access: .readOnly, order: 700)
    return try compare(
      after, promise.worlds, "after the erasure: ", asksJoins: true, checksTags: true)
  }
}

extension SimulatedFileSystem {
  /// A file under a folder that holds a text.
  fileprivate func file(containing text: String, under folder: String) -> String? {
    let sought = Array(text.utf8)
    for path in paths where path.hasPrefix(folder) {
      guard let bytes = contents(of: path), bytes.count >= sought.count else { continue }
      let found = bytes.withUnsafeBytes { all in
        sought.withUnsafeBytes { text in
          guard let start = all.baseAddress, let wanted = text.baseAddress else { return false }
          var offset = 0
          while let next = memchr(start + offset, Int32(sought[0]), all.count - offset) {
            offset = next - UnsafeMutableRawPointer(mutating: start)
            if offset + text.count > all.count { return false }
            if memcmp(next, wanted, text.count) == 0 { return true }
            offset += 1
          }
          return false
        }
      }
      if found { return path }
    }
    return nil
  }
}
