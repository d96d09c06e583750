import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// Everything the manifest says as of its newest record; a value, replayed record by record.
package struct StoreState: Sendable {
  /// The store's own number.
  ///
  /// A copy that was made by `backup` has another one, so that the hashes of its commits differ from
  /// the original's; one made by other means keeps it.
  package var store: FileIdentifier
  /// The number that key logs and online tables carry: the store's own, in a backup the original's.
  package var fileIdentity: FileIdentifier
  /// What a version has to know to read the store, and to write to it.
  package var features = StoreFeatures()
  /// The newest commit.
  package var head: Commit
  /// The definitions.
  package var catalog = Catalog()
  /// The live segments of each view that has any.
  package var segments: [UInt64: [LiveSegment]] = [:]
  /// The key log of each join-key set that has one.
  package var keyLogs: [UInt64: KeyLogState] = [:]
  /// Segments that are live no longer and whose files an earlier snapshot may name.
  package var retired: [RetiredSegment] = []
  /// The commits that may still be looked at, oldest first, `head` last.
  package var history: [Commit]
  /// Names of snapshots that are kept for it.
  package var tags: [String: UInt64] = [:]
  /// What is being erased, and what erasures changed for earlier snapshots.
  package var erasures = Erasures()
  /// Earlier snapshots that the checkpoint carries: the files they were committed to are gone.
  package var earlier: [UInt64: EarlierState] = [:]
  /// The last commit of each view that was not growth.
  ///
  /// Whoever keeps up with a view by its new rows alone, as an online table does, has to look at
  /// everything once more after it. Folds and compactions are none: they change no answer.
  package var revisions: [UInt64: UInt64] = [:]

  /// A live segment and the commit that made it so.
  package struct LiveSegment: Sendable, Hashable {
    package var description: SegmentDescription
    /// The first snapshot that names the file.
    package var since: UInt64
  }

  /// A segment that snapshots in `since ..< until` name.
  package struct RetiredSegment: Sendable, Hashable {
    package var view: UInt64
    package var uuid: FileIdentifier
    package var since: UInt64
    package var until: UInt64
  }

  /// The state of a new store.
  package init(store: FileIdentifier, head: Commit) {
    self.store = store
    fileIdentity = store
    self.head = head
    history = [head]
  }

  /// How many segments are live in all views.
  package var liveSegments: Int { segments.values.reduce(0) { $0 + $1.count } }
}

extension StoreState {
  /// Moves the state on by a record.
  ///
  /// - Parameters:
  ///   - body: what the record says.
  ///   - commit: its number, time and hash.
  /// - Throws: `corrupt` if the record contradicts the state.
  package mutating func apply(
    _ body: ManifestRecord.Body, commit: Commit
  ) throws(LarderError) {
    switch body {
    case .checkpoint(let state): self = state
    case .definitions(let catalog): adopt(catalog, at: commit.id)
    case .edit(let edit): try apply(edit, at: commit.id)
    case .tag(let tag): tags[tag.name] = tag.commit
    case .rollback(let rollback): try apply(rollback, at: commit.id)
    case .erasure(let record):
      try apply(record, at: commit.id)
      for view in catalog.views where record.ids[view.keySet] != nil {
        revisions[view.id] = commit.id
      }
    case .substitution(let record): try apply(record, at: commit.id)
    case .erased(let ids): erasures.finish(ids, at: commit.id)
    case .skipped: break
    }
    if case .checkpoint = body { return }
    head = commit
    history.append(commit)
  }

  private mutating func adopt(_ new: Catalog, at id: UInt64) {
    let kept = Set(new.views.map(\.id))
    for (view, live) in segments where !kept.contains(view) {
      for segment in live {
        retired.append(
          RetiredSegment(
            view: view, uuid: segment.description.uuid, since: segment.since, until: id))
      }
      segments[view] = nil
    }
    noteRevisions(from: catalog, to: new, at: id)
    catalog = new
  }

  /// Notes the views that go, or of which features go or come back.
  private mutating func noteRevisions(from old: Catalog, to new: Catalog, at id: UInt64) {
    for view in old.views {
      guard let next = new.view(id: view.id) else {
        revisions[view.id] = nil
        continue
      }
      let before = Set(view.fields.map(\.id))
      let after = Set(next.fields.map(\.id))
      let hadEver = before.union(view.retired.map(\.id))
      if !before.isSubset(of: after) || !after.subtracting(before).isDisjoint(with: hadEver) {
        revisions[view.id] = id
      }
    }
  }

  private mutating func apply(
    _ edit: ManifestRecord.Edit, at id: UInt64
  ) throws(LarderError) {
    guard catalog.view(id: edit.view) != nil else {
      throw LarderError(.corrupt, "Record \(id) edits the view v\(edit.view), which is not there.")
    }
    var live = segments[edit.view] ?? []
    let removed = Set(edit.removed)
    guard removed.count == edit.removed.count else {
      throw LarderError(.corrupt, "Record \(id) removes a segment twice.")
    }
    var found = 0
    for segment in live where removed.contains(segment.description.uuid) {
      found += 1
      retired.append(
        RetiredSegment(
          view: edit.view, uuid: segment.description.uuid, since: segment.since, until: id))
    }
    guard found == removed.count else {
      throw LarderError(.corrupt, "Record \(id) removes a segment that is not live.")
    }
    if found > 0 { live.removeAll { removed.contains($0.description.uuid) } }
    var present = Set(live.map(\.description.uuid))
    for description in edit.added {
      guard present.insert(description.uuid).inserted, description.viewID == edit.view,
        description.firstCommit <= description.lastCommit, description.lastCommit <= id
      else {
        throw LarderError(
          .corrupt, "Record \(id) adds the segment \(description.uuid) against the rules.")
      }
      live.append(LiveSegment(description: description, since: id))
    }
    segments[edit.view] = live.isEmpty ? nil : live
    switch edit.reason {
    case .replace, .expiry: revisions[edit.view] = id
    case .append, .fold, .compaction: break
    }
    for (set, log) in edit.keyLogs {
      guard catalog.keySet(id: set) != nil else {
        throw LarderError(.corrupt, "Record \(id) names the key set k\(set), which is not there.")
      }
      keyLogs[set] = log
    }
  }
}
