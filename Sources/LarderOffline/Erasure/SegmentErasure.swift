import LarderColumns
import LarderContract
import LarderFiles

/// What the second step of an erasure did.
package struct SegmentErasure: Sendable {
  /// The segments that were rewritten.
  package var files: [HeldFile] = []
  /// Why rows of erased ids may be left: segments that could not be read.
  package var failures: [LarderError] = []
  /// The ids that were looked for, by join-key set.
  package var ids: [UInt64: [UInt32]] = [:]
}

extension Store {
  /// Rewrites every segment that holds rows of retired ids, those of earlier snapshots too.
  ///
  /// - Parameter timeout: how long to wait for merges under way.
  /// - Throws: `readOnly`; `locked`; `noSpace`, `io`: what was committed before stays.
  /// - Complexity: O(rows) of the segments that hold some; memory for one segment.
  package func rewriteErased(timeout: Duration) throws(LarderError) -> SegmentErasure {
    let held = try writerLocks().acquire(.maintenance, timeout: timeout)
    defer { held.release() }
    // What a command that died left may name segments and ids that are not seen yet.
    try settle()
    var result = SegmentErasure()
    // Another process may retire what was live, or drop a view, while one is rewritten.
    for _ in 0..<8 {
      try sweep()
      let state = try refresh()
      result.ids = state.erasures.pending
      guard !result.ids.isEmpty else { return result }
      result.failures = []
      var isDone = true
      for (view, targets) in try targets(in: state, &result.failures) {
        isDone = try rewrite(targets, of: view, &result.files) && isDone
      }
      if isDone { return result }
    }
    throw LarderError(
      .locked, "The store changed again and again while erased rows were removed. Try again.",
      file: layout.root)
  }

  /// A segment and the erased ids that its view's keys may have.
  private struct Target {
    var segment: Segment
    var ids: [UInt32]
  }

  /// The segments that hold rows of pending ids, by view.
  private func targets(
    in state: StoreState, _ failures: inout [LarderError]
  ) throws(LarderError) -> [UInt64: [Target]] {
    var targets: [UInt64: [Target]] = [:]
    func look(_ description: SegmentDescription, _ set: UInt64) {
      guard let ids = state.erasures.pending[set],
        ids.contains(where: { $0 >= description.minID && $0 <= description.maxID })
      else { return }
      do throws(LarderError) {
        let segment = try cache.segment(description)
        let index = try segment.entityIndex()
        let held = ids.filter { index.position(of: $0) != nil }
        if !held.isEmpty {
          targets[description.viewID, default: []].append(Target(segment: segment, ids: held))
        }
      } catch { failures.append(error) }
    }
    for (view, live) in state.segments {
      guard let set = state.catalog.view(id: view)?.keySet else { continue }
      for segment in live { look(segment.description, set) }
    }
    for description in try retiredDescriptions(in: state, &failures) {
      look(description.segment, description.set)
    }
    return targets
  }

  /// The segments that only earlier snapshots name, as those describe them, and their key sets.
  ///
  /// The snapshot that a segment came with may be gone, and the manifest file it was in, while a
  /// later one still names it: the last that did is asked first, then the first, then tagged ones.
  func retiredDescriptions(
    in state: StoreState, _ failures: inout [LarderError]
  ) throws(LarderError) -> [(segment: SegmentDescription, set: UInt64)] {
    var found: [(segment: SegmentDescription, set: UInt64)] = []
    var left = state.retired
    func ask(_ snapshot: UInt64, _ wanted: Set<FileIdentifier>) throws(LarderError) {
      guard let past = try manifest.state(at: snapshot) else { return }
      var told: Set<FileIdentifier> = []
      for (view, live) in past.segments {
        guard let set = past.catalog.view(id: view)?.keySet else { continue }
        for segment in live where wanted.contains(segment.description.uuid) {
          found.append((segment.description, set))
          told.insert(segment.description.uuid)
        }
      }
      left.removeAll { told.contains($0.uuid) }
    }
    for (last, retired) in Dictionary(grouping: left, by: { $0.until &- 1 }) {
      try ask(last, Set(retired.map(\.uuid)))
    }
    for (since, retired) in Dictionary(grouping: left, by: \.since) {
      try ask(since, Set(retired.map(\.uuid)))
    }
    for tag in Set(state.tags.values) {
      let named = left.filter { $0.since <= tag && tag < $0.until }
      if !named.isEmpty { try ask(tag, Set(named.map(\.uuid))) }
    }
    for retired in left {
      let path = "\(layout.viewFolder(retired.view))/\(retired.uuid).seg"
      guard try host.files.status(of: path) != nil else { continue }
      failures.append(
        LarderError(
          .locked,
          "Of the snapshots that name it none can be read, so it may hold erased rows. "
            + "Once no reader holds them, vacuum removes it.", file: path))
    }
    return found
  }

  /// Rewrites segments of one view and commits what takes their place.
  ///
  /// - Returns: false if one of them went away meanwhile; nothing was committed then.
  private func rewrite(
    _ targets: [Target], of view: UInt64, _ files: inout [HeldFile]
  ) throws(LarderError) -> Bool {
    var outputs: [SegmentOutput] = []
    var items: [SubstitutionRecord.Item] = []
    var held: [HeldFile] = []
    do throws(LarderError) {
      for target in targets {
        let segment = target.segment
        let output = SegmentOutput(self, view: Self.view(of: segment), commits: 0...0)
        outputs.append(output)
        try SegmentMerge(self, view: Self.view(of: segment))
          .without(target.ids, segment, into: output)
        let added = output.descriptions
        let status = try host.files.status(of: segment.path)
        held.append(
          HeldFile(
            path: segment.path, inode: status?.inode ?? 0, device: status?.device ?? 0,
            kind: "segment", rows: segment.rows - added.reduce(0) { $0 + $1.rows },
            substitutes: added.map(\.fileName)))
        items.append(
          SubstitutionRecord.Item(uuid: segment.description.uuid, added: added))
      }
      // All of them lie in one folder; one that wrote nothing would sync nothing.
      try outputs.first { !$0.descriptions.isEmpty }?.syncFolder()
      let record = SubstitutionRecord(view: view, items: items)
      let result = try commit { state throws(LarderError) in
        let live = Set(state.segments[view]?.map(\.description.uuid) ?? [])
          .union(state.retired.map(\.uuid))
        return items.allSatisfy { live.contains($0.uuid) } ? .substitution(record) : nil
      }
      guard result.didCommit else {
        for output in outputs { output.abandon() }
        return false
      }
    } catch {
      if error.code != .outcomeUnknown { for output in outputs { output.abandon() } }
      throw error
    }
    for output in outputs { output.release() }
    files += held
    buildDerived(view)
    return true
  }

  /// A view that has exactly a segment's columns, with the segment's types: what earlier snapshots
  /// read must stay, columns of dropped features and types from before a widening included.
  private static func view(of segment: Segment) -> Catalog.View {
    let hasCreated = segment.hasCreated
    let definition = FeatureView(
      "v\(segment.description.viewID)", entities: [], features: [],
      createdTimestamp: hasCreated ? "created" : nil, timeUnit: segment.unit)
    let fields = segment.features.map { feature in
      // A column of a kind that is not known fails when it is read.
      Catalog.StoredField(id: feature.fieldID, name: "", type: feature.type ?? .bool)
    }
    return Catalog.View(
      id: segment.description.viewID, definition: definition, keySet: 0, fields: fields,
      retired: [], nextField: .max)
  }
}

extension Segment {
  /// Whether the segment has created times.
  var hasCreated: Bool {
    footer.columns.contains { entry in
      if case .known(let record) = entry { return record.role == .createdTime }
      return false
    }
  }
}

extension EntityIndexView {
  /// Where an id is in the index; nil if it has no rows.
  ///
  /// - Complexity: O(log entities).
  func position(of id: UInt32) -> Int? {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if unsafe ids[middle] < id { low = middle + 1 } else { high = middle }
    }
    return unsafe low < count && ids[low] == id ? low : nil
  }
}

extension SegmentMerge {
  /// Writes the rows of a segment but for those of some ids, with its own interval and partition.
  func without(
    _ erased: [UInt32], _ segment: Segment, into output: SegmentOutput
  ) throws(LarderError) {
    let index = try segment.entityIndex()
    var chosen: [UInt32] = []
    var row = 0
    for id in erased {
      guard let position = index.position(of: id) else { continue }
      let run = unsafe Int(index.starts[position])..<Int(index.starts[position + 1])
      chosen += (row..<run.lowerBound).map { UInt32($0) }
      row = run.upperBound
    }
    chosen += (row..<segment.rows).map { UInt32($0) }
    guard !chosen.isEmpty else { return }
    try write(chosen, of: segment, partition: segment.description.partition, into: output)
  }
}
