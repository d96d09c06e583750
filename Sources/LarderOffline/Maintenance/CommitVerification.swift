import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

extension Snapshot {
  /// Replays every commit that there are records of: whether each follows from the one before,
  /// whether the key logs it names fit the keys that are there, and which snapshot was the last of
  /// which nothing was found wrong.
  func verifyCommits(_ check: inout SnapshotCheck) throws(LarderError) {
    let newest = try store.refresh()
    let living = try store.living(newest, oldest: try store.oldestKept(newest).id)
    var replay = CommitCheck(newest, living, check)
    let numbers = try store.manifest.numbers().sorted()
    for number in numbers {
      do throws(LarderError) {
        let path = store.manifest.path(number)
        guard var loaded = try LoadedManifest.open(path, number: number, store.manifest.files)
        else { continue }
        replay.begin(loaded.state)
        _ = try loaded.replayAll { body, state in replay.visit(body, state) }
      } catch {
        // The newest was checked when the store was opened; a writer may be at work at its end.
        if number == numbers.last, error.code == .corrupt, number == store.manifest.fileNumber {
          _ = try store.refresh()
        }
        check.add(error, affects: "commits")
      }
    }
    for set in catalog.keySets {
      guard let log = try store.refresh().keyLogs[set.id] else { continue }
      do throws(LarderError) {
        let opened = try KeyLog.open(
          in: store.host.files, directory: store.layout.keyFolder(set.id),
          identity: store.keyIdentity(set.id, identifier), schema: try set.schema(), state: log)
        replay.compare(opened, of: set.id)
      } catch {
        // Found above, or replaced by an erasure meanwhile.
        continue
      }
    }
    for misfit in replay.misfits where replay.isShown(misfit) {
      check.add(
        misfit.error(
          file: KeyFolder.logPath(
            store.layout.keyFolder(misfit.set), generation: misfit.generation)),
        affects: "the rows that came with commit \(misfit.commit): their keys are not known, or "
          + "those of others")
    }
    check.lastGood = replay.lastGood
  }
}

/// A commit whose keys others were written over.
struct KeyMisfit: Hashable {
  var set: UInt64
  var generation: UInt64
  /// The commit whose keys do not fit.
  var commit: UInt64
  var count: UInt32
  var length: UInt64

  func error(file: String) -> LarderError {
    LarderError(
      .corrupt,
      "Commit \(commit) gave out \(count) ids in \(length) bytes, and the key log does not have "
        + "them: another commit's keys were written over them.", file: file, offset: length)
  }
}

/// What replaying all commits shows.
private struct CommitCheck {
  private let newest: StoreState
  private let living: LivingSnapshots
  private let check: SnapshotCheck
  /// Of each key set the states of its newest log that commits named, in order.
  private var named: [UInt64: [(commit: UInt64, log: KeyLogState)]] = [:]
  private(set) var misfits: [KeyMisfit] = []
  /// The snapshots that are kept, oldest first.
  private var kept: [Kept] = []
  private var seen: UInt64?

  private struct Kept {
    var commit: Commit
    /// Whether its segments hold.
    var holds: Bool
    /// The commits whose rows its segments have.
    var rows: [ClosedRange<UInt64>]
  }

  init(_ newest: StoreState, _ living: LivingSnapshots, _ check: SnapshotCheck) {
    self.newest = newest
    self.living = living
    self.check = check
  }

  /// Whether a state was not visited yet, and is history.
  ///
  /// Behind a failed sync there may be a whole record that the next writer settles: what it names is
  /// not looked at, so its keys are not either.
  private func isNew(_ state: StoreState) -> Bool {
    if state.head.id > newest.head.id { return false }
    return seen.map { state.head.id > $0 } ?? true
  }

  /// Takes the state that a manifest file begins with.
  mutating func begin(_ state: StoreState) {
    guard isNew(state) else { return }
    for (set, log) in state.keyLogs { named[set, default: []].append((state.head.id, log)) }
    judge(state)
  }

  /// Takes a record and the state after it.
  mutating func visit(_ body: ManifestRecord.Body, _ state: StoreState) {
    guard isNew(state) else { return }
    if case .edit(let edit) = body {
      for (set, log) in edit.keyLogs { note(log, of: set, at: state.head.id) }
    } else if case .erasure(let record) = body {
      for (set, log) in record.keyLogs { named[set, default: []].append((state.head.id, log)) }
    }
    judge(state)
  }

  /// A commit names a log only if it gave out ids, so each must go on behind the one before.
  private mutating func note(_ log: KeyLogState, of set: UInt64, at commit: UInt64) {
    if let before = named[set]?.last, before.log.generation == log.generation,
      log.length <= before.log.length || log.count <= before.log.count
    {
      misfits.append(KeyMisfit(set: set, before.log, before.commit))
    }
    named[set, default: []].append((commit, log))
  }

  /// Compares what commits named with the log that is there.
  mutating func compare(_ log: KeyLog, of set: UInt64) {
    var counts: [UInt64: UInt32] = [log.state.length: log.count]
    for (offset, first) in log.boundaries { counts[offset] = first }
    for (commit, state) in named[set] ?? []
    where state.generation == log.state.generation && counts[state.length] != state.count {
      let misfit = KeyMisfit(set: set, state, commit)
      if !misfits.contains(misfit) { misfits.append(misfit) }
    }
  }

  private mutating func judge(_ state: StoreState) {
    seen = state.head.id
    guard living.isLiving(state.head.id) else { return }
    var shown = state
    if state.head.id != newest.head.id { shown.adoptErasures(of: newest) }
    let live = shown.segments.values.joined()
    kept.append(
      Kept(
        commit: state.head, holds: holds(shown),
        rows: live.map { $0.description.firstCommit...$0.description.lastCommit }))
  }

  private func holds(_ state: StoreState) -> Bool {
    for (id, live) in state.segments {
      guard let view = state.catalog.view(id: id) else { return false }
      let keys = state.keyLogs[view.keySet]?.count ?? 0
      for segment in live {
        let description = segment.description
        guard !check.bad.contains(description.uuid), description.maxID < keys else { return false }
        do throws(LarderError) {
          try view.checkTypes(of: check.types[description.uuid] ?? [], file: "")
        } catch { return false }
      }
    }
    return true
  }

  /// Whether a snapshot that is kept shows rows of a commit.
  func isShown(_ misfit: KeyMisfit) -> Bool {
    kept.contains { $0.rows.contains { $0.contains(misfit.commit) } }
  }

  /// The newest snapshot that is kept and of which nothing was found wrong.
  var lastGood: Commit? {
    kept.last { snapshot in
      snapshot.holds
        && !misfits.contains { misfit in snapshot.rows.contains { $0.contains(misfit.commit) } }
    }?.commit
  }
}

extension KeyMisfit {
  fileprivate init(set: UInt64, _ log: KeyLogState, _ commit: UInt64) {
    self.init(
      set: set, generation: log.generation, commit: commit, count: log.count, length: log.length)
  }
}
