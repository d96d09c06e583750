import LarderColumns
import LarderContract
import LarderFiles

extension StoreState {
  /// Takes the definitions and segments of an earlier state; those of the newest are retired.
  ///
  /// - Throws: `corrupt` if the record contradicts itself or the state.
  mutating func apply(
    _ rollback: ManifestRecord.Rollback, at id: UInt64
  ) throws(LarderError) {
    let catalog = rollback.catalog
    guard rollback.target < id, catalog.nextView >= self.catalog.nextView,
      catalog.keySets == self.catalog.keySets,
      rollback.segments.keys.allSatisfy({ catalog.view(id: $0) != nil })
    else { throw LarderError(.corrupt, "Record \(id) goes back against the rules.") }
    var since: [FileIdentifier: UInt64] = [:]
    for (view, live) in segments {
      let stays = Set((rollback.segments[view] ?? []).map(\.uuid))
      for segment in live {
        let uuid = segment.description.uuid
        if stays.contains(uuid) {
          since[uuid] = segment.since
        } else {
          retired.append(
            RetiredSegment(view: view, uuid: uuid, since: segment.since, until: id))
        }
      }
    }
    var restored: [UInt64: [LiveSegment]] = [:]
    for (view, live) in rollback.segments where !live.isEmpty {
      guard live.allSatisfy({ $0.lastCommit <= rollback.target }),
        Set(live.map(\.uuid)).count == live.count
      else { throw LarderError(.corrupt, "Record \(id) restores segments against the rules.") }
      restored[view] = live.map {
        LiveSegment(description: $0, since: since[$0.uuid] ?? id)
      }
    }
    noteRevisions(restoring: catalog, restored, at: id)
    self.catalog = catalog
    segments = restored
    // An erasure may have come between the plan and the commit: what it took stays gone.
    resolveSubstitutions()
  }

  /// Notes the views that are not what they were.
  private mutating func noteRevisions(
    restoring catalog: Catalog, _ restored: [UInt64: [LiveSegment]], at id: UInt64
  ) {
    for view in self.catalog.views where catalog.view(id: view.id) == nil {
      revisions[view.id] = nil
    }
    for view in catalog.views {
      let old = self.catalog.view(id: view.id)
      let before = Set((segments[view.id] ?? []).map(\.description.uuid))
      let after = Set((restored[view.id] ?? []).map(\.description.uuid))
      if old?.fields != view.fields || before != after { revisions[view.id] = id }
    }
  }
}
