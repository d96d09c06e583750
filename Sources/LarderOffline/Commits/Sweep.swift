import LarderColumns
import LarderContract
import LarderFiles
import Synchronization

/// What a sweep removed.
package struct SweepReport: Sendable, Hashable {
  /// Files removed.
  package var files = 0
  /// Bytes of them.
  package var bytes: UInt64 = 0
}

/// Whether this process has looked for what crashed ones left behind.
final class Sweeping: Sendable {
  private let hasLooked = Atomic(false)
  var isFirst: Bool { !hasLooked.load(ordering: .relaxed) }
  func didLook() { hasLooked.store(true, ordering: .relaxed) }
}

extension Store {
  /// Removes the files that no living snapshot names, and that nobody is writing.
  ///
  /// Each is locked, then the store is settled and asked again, then the file goes. An exact difference of sets, never by age. First it says which snapshots can no longer be
  /// pinned, then asks which are.
  ///
  /// - Parameter keep: how long snapshots are kept this once; nil for the store's option.
  /// - Throws: `readOnly`, `io`, `corrupt`.
  @discardableResult
  package func sweep(keeping keep: Duration? = nil) throws(LarderError) -> SweepReport {
    var report = SweepReport()
    // What a process that died named in a record and did not publish is in use.
    let state = try settle()
    let wanted = state.oldest(keeping: keep ?? options.keepSnapshots, now: host.now())
    guard let oldest = try manifest.publish(oldestRetained: wanted) else { return report }
    let living = try living(state, oldest: oldest)
    try sweepSegments(living, &report)
    try sweepKeys(living, &report)
    try sweepManifests(living, &report)
    manifest.forget(living)
    cache.keep(only: try refresh())
    sweeping.didLook()
    return report
  }

  /// The sweep that ends an append: only if there is something to find, and never an error of the
  /// append, which is done.
  func sweepQuietly() {
    do {
      let state = try refresh()
      let oldest = state.oldest(keeping: options.keepSnapshots, now: host.now())
      let mayFind =
        state.retired.contains { $0.until <= oldest } || !state.erasures.retiredLogs.isEmpty
      if mayFind || sweeping.isFirst { try sweep() }
    } catch {
      // What is left over is found by the next sweep.
      return
    }
  }

  private func sweepSegments(
    _ living: LivingSnapshots, _ report: inout SweepReport
  ) throws(LarderError) {
    let files = host.files
    var held: [(path: String, file: any File)] = []
    var folders: [(path: String, view: UInt64)] = []
    let named = Self.names(in: try refresh(), living)
    for folder in try files.names(in: layout.offline) {
      guard folder.hasPrefix("v"), let view = UInt64(folder.dropFirst()) else { continue }
      let path = layout.viewFolder(view)
      folders.append((path, view))
      for name in try names(in: path) where !named.contains(name) {
        let file = "\(path)/\(name)"
        guard try mayGo(file, name: name) else { continue }
        // Whoever writes it holds it; whoever reads it has it mapped, and loses nothing.
        guard let lock = try lockForRemoval(file) else { continue }
        held.append((file, lock))
      }
    }
    // Locked, nobody writes it any more; settled, whoever wrote it has named it by now or never will.
    let state = try settle()
    let later =
      options.omitted.contains(.lookingAgain) ? named : Self.names(in: state, living)
    for (path, file) in held {
      let name = path.split(separator: "/").last.map(String.init) ?? ""
      guard !later.contains(name) else { continue }
      let bytes = try file.status().bytes
      if try files.remove(path) {
        report.files += 1
        report.bytes += bytes
      }
    }
    for (path, view) in folders where state.catalog.view(id: view) == nil {
      if try names(in: path).isEmpty { try files.removeDirectory(path) }
    }
  }

  /// The names in a directory; none if it went away meanwhile.
  func names(in directory: String) throws(LarderError) -> [String] {
    do { return try host.files.names(in: directory) } catch  where error.code == .notFound {
      return []
    }
  }

  func lockForRemoval(_ path: String) throws(LarderError) -> (any File)? {
    do {
      let file = try host.files.open(path, .update)
      return try file.tryLock(0..<1, .exclusive) ? file : nil
    } catch  where error.code == .notFound || error.code == .corrupt {
      // Gone, or not a regular file and so not ours.
      return nil
    }
  }

  private func mayGo(_ path: String, name: String) throws(LarderError) -> Bool {
    if name.hasSuffix(".seg") { return true }
    let builders = derived.withLock { $0 }
    guard let owner = builders.first(where: { $0.owns(path) }) else { return false }
    return try owner.isObsolete(path, in: try refresh())
  }

  private static func names(in state: StoreState, _ living: LivingSnapshots) -> Set<String> {
    var names: Set<String> = []
    for live in state.segments.values {
      for segment in live { names.insert(segment.description.fileName) }
    }
    for segment in state.retired where living.names(segment) {
      names.insert("\(segment.uuid).seg")
    }
    for item in state.erasures.substitutions where state.erasures.isInUse(item, living) {
      names.insert("\(item.uuid).seg")
    }
    return names
  }

  /// Removes manifest files that no living snapshot is replayed from.
  private func sweepManifests(
    _ living: LivingSnapshots, _ report: inout SweepReport
  ) throws(LarderError) {
    let current = manifest.fileNumber
    let numbers = try manifest.numbers().filter { $0 <= current }
    guard numbers.count > 1 else { return }
    let state = try refresh()
    // Those that a checkpoint carries are replayed from no other file.
    let replayed = state.history.map(\.id).filter {
      living.isLiving($0) && state.earlier[$0] == nil && $0 != state.head.id
    }
    var next = try manifest.firstCommit(of: current) ?? 0
    for number in numbers.sorted(by: >).dropFirst() {
      let first = try manifest.firstCommit(of: number)
      // Snapshot `next` is replayed from the later file, whose checkpoint it is.
      let isNeeded =
        first.map { first in
          replayed.contains { (first..<max(first, next)).contains($0) }
        } ?? false
      if !isNeeded {
        let bytes = try host.files.status(of: manifest.path(number))?.bytes ?? 0
        if try host.files.remove(manifest.path(number)) {
          report.files += 1
          report.bytes += bytes
        }
      }
      if let first { next = first }
    }
  }
}

extension Manifest {
  /// The commit that a manifest file begins with; nil if the file is gone or was never finished.
  func firstCommit(of number: UInt64) throws(LarderError) -> UInt64? {
    do {
      let file = try files.open(path(number), .read)
      guard try file.status().bytes >= UInt64(ManifestFile.headerBytes) else { return nil }
      let bytes = try file.readExactly(ManifestFile.headerBytes, at: 0)
      return try ManifestFile.Header.decode(bytes, file: path(number))?.firstCommit
    } catch  where error.code == .notFound {
      return nil
    }
  }
}
