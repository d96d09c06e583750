import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// The store as of one commit, pinned: its files stay as long as the value lives.
package struct Snapshot: Sendable {
  /// The commit.
  package let commit: Commit
  /// The definitions as of the commit.
  package let catalog: Catalog
  /// The live segments of each view that has any.
  package let segments: [UInt64: [SegmentDescription]]
  /// The key log of each join-key set that has one.
  package let keyLogs: [UInt64: KeyLogState]
  /// The number that key logs and online tables carry.
  package let identifier: FileIdentifier
  /// The store, through which segments and keys are opened.
  package let store: Store
  /// What was being erased when the snapshot was made.
  let erasures: Erasures
  private let features: StoreFeatures
  /// The commits that the manifest remembers, the snapshot's own last.
  private let history: [Commit]
  private let revisions: [UInt64: UInt64]
  private let pin: SnapshotPin

  init(_ state: StoreState, store: Store, pin: SnapshotPin) {
    commit = state.head
    catalog = state.catalog
    segments = state.segments.mapValues { $0.map(\.description) }
    keyLogs = state.keyLogs
    erasures = state.erasures
    features = state.features
    identifier = state.fileIdentity
    history = state.history
    revisions = state.revisions
    self.store = store
    self.pin = pin
  }

  /// The live segments of a view, in no order.
  package func segments(of view: Catalog.View) -> [SegmentDescription] {
    segments[view.id] ?? []
  }

  /// What the manifest of a copy of this snapshot begins with.
  func stateOfCopy(store number: FileIdentifier) -> StoreState {
    var state = StoreState(store: number, head: commit)
    state.features = features
    state.fileIdentity = identifier
    state.catalog = catalog
    for (view, live) in segments {
      state.segments[view] = live.map {
        StoreState.LiveSegment(description: $0, since: commit.id)
      }
    }
    state.keyLogs = keyLogs
    state.revisions = revisions
    // What is being erased stays masked, and is erased from the copy by the copy's own run.
    state.erasures.pending = erasures.pending
    state.erasures.retiredLogs = retiredLogs
    state.erasures.last = erasures.pending.isEmpty ? 0 : commit.id
    return state
  }

  /// The key logs of before that hold the keys of what is being erased.
  var retiredLogs: [Erasures.RetiredLog] {
    erasures.retiredLogs.filter { erasures.pending[$0.set] != nil }
  }

  /// Opens a segment; the same object for everyone while anyone has it.
  ///
  /// - Throws: `corrupt`, `io`.
  package func open(_ description: SegmentDescription) throws(LarderError) -> Segment {
    try store.cache.segment(description)
  }

  /// How many rows a view has.
  package func rows(of view: Catalog.View) -> Int {
    segments(of: view).reduce(0) { $0 + $1.rows }
  }
}

/// How a commit that was written down elsewhere stands to a snapshot.
package enum CommitRelation: Sendable, Hashable {
  /// The snapshot's own commit, or one that it came from.
  case ancestor
  /// Older than all that the manifest remembers, and so probably one that it came from.
  case unknown
  /// None that it came from: later, or of another chain.
  case foreign
}

extension Snapshot {
  /// The last commit of a view that was not growth: a replacement, an expiry, a rollback, an
  /// erasure, a feature that went or came back; 0 if there was none.
  ///
  /// Folds and compactions never count: they change no answer.
  package func lastRevision(of view: UInt64) -> UInt64 { revisions[view] ?? 0 }

  /// How a commit that was written down elsewhere stands to this snapshot.
  ///
  /// - Complexity: O(log commits remembered).
  package func relation(to id: UInt64, chainHash: UInt64) -> CommitRelation {
    guard id <= commit.id else { return .foreign }
    var low = 0
    var high = history.count
    while low < high {
      let middle = (low + high) / 2
      if history[middle].id < id { low = middle + 1 } else { high = middle }
    }
    guard low < history.count, history[low].id == id else { return .unknown }
    return history[low].chainHash == chainHash ? .ancestor : .foreign
  }
}

extension Store {
  /// The newest snapshot once everything that was committed is published, pinned.
  ///
  /// Whoever writes down a commit elsewhere takes this one: a commit that nobody published may yet
  /// come to nothing.
  ///
  /// - Throws: `readOnly`, `locked`, `poisoned`, `noSpace`, `io`, `corrupt`.
  package func settledSnapshot() throws(LarderError) -> Snapshot {
    while true {
      _ = try settle()
      let snapshot = try snapshot()
      if manifest.isPublished(snapshot.commit.id) { return snapshot }
    }
  }

  /// The newest snapshot that is published, pinned: what a copy is made of.
  ///
  /// Who may write settles first. Who may only read leaves the last of the commits that nobody
  /// published out; those before it were settled by whoever wrote it.
  ///
  /// - Throws: as `settledSnapshot`.
  package func publishedSnapshot() throws(LarderError) -> Snapshot {
    if locks != nil { return try settledSnapshot() }
    let newest = try snapshot()
    guard manifest.unsettledCommits > 0, newest.commit.id > 0 else { return newest }
    return try snapshot(at: newest.commit.id - 1)
  }

  /// The newest snapshot that is visible, pinned.
  ///
  /// - Throws: `corrupt`, `io`.
  /// - Complexity: one load and one lock call if nothing was committed since the last one.
  package func snapshot() throws(LarderError) -> Snapshot {
    while true {
      let state = try refresh()
      let pin = try pins.pin(state.head.id)
      // Between the refresh and the pin a sweep may have passed over this snapshot. Where STATE
      // cannot say so, or says what cannot be, only the newest is safe.
      var isKept = manifest.oldestRetained.map { $0 <= state.head.id } ?? false
      if !isKept { isKept = try refresh().head.id == state.head.id }
      // An erasure between the two may have taken files away; later ones see the pin.
      if isKept, try refresh().erasures.last == state.erasures.last {
        return Snapshot(state, store: self, pin: pin)
      }
      pin.release()
    }
  }

  /// The store as of an earlier commit, pinned.
  ///
  /// - Throws: `notFound` if there is no such commit or it is no longer kept.
  package func snapshot(at commit: UInt64) throws(LarderError) -> Snapshot {
    let newest = try refresh()
    guard commit <= newest.head.id else {
      throw LarderError(
        .notFound, "There is no commit \(commit); the newest is \(newest.head.id).",
        file: layout.root)
    }
    let pin = try pins.pin(commit)
    let oldest = manifest.oldestRetained ?? 0
    let isKept =
      oldest <= commit || commit == newest.head.id || newest.tags.values.contains(commit)
    let found = isKept ? try manifest.state(at: commit) : nil
    guard try refresh().erasures.last == newest.erasures.last else {
      // An erasure came between: whoever pinned too late for it looks again.
      pin.release()
      return try snapshot(at: commit)
    }
    let isWhole = try found.map { state throws(LarderError) in try isComplete(state) } ?? false
    guard let state = found, isWhole || commit == newest.head.id else {
      pin.release()
      throw LarderError(
        .notFound,
        "Commit \(commit) is no longer kept; kept are \(kept(newest, from: oldest)).",
        file: layout.root)
    }
    return Snapshot(state, store: self, pin: pin)
  }

  /// The snapshots that are kept, in words: `12 to 20 and 3 (tagged "release")`.
  private func kept(_ newest: StoreState, from oldest: UInt64) -> String {
    let first = newest.history.first { $0.id >= oldest }?.id ?? newest.head.id
    var text = first == newest.head.id ? "\(first)" : "\(first) to \(newest.head.id)"
    for (name, commit) in newest.tags.sorted(by: { ($0.value, $0.key) < ($1.value, $1.key) })
    where commit < first { text += " and \(commit) (tagged \"\(name)\")" }
    return text
  }

  /// Whether all files of a state are there: after a reboot STATE no longer says what was swept.
  private func isComplete(_ state: StoreState) throws(LarderError) -> Bool {
    for live in state.segments.values {
      for segment in live
      where try host.files.status(of: layout.segment(segment.description)) == nil { return false }
    }
    return true
  }
}
