import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// The part of an append that holds the append lock: ids, segments, the commit.
final class AppendJob {
  private let store: Store
  private let view: Catalog.View
  private let keySet: Catalog.KeySet
  private let replacing: ReplacedRange?
  private var locks: [HeldLock] = []
  private let intake: KeyIntake
  private let output: SegmentOutput
  private let runs: SegmentOutput
  private let start: StoreState
  private let scratch = ScratchMemory()

  init(
    _ store: Store, view: Catalog.View, keySet: Catalog.KeySet, replacing: ReplacedRange?
  ) throws(LarderError) {
    self.store = store
    self.view = view
    self.keySet = keySet
    self.replacing = replacing
    let locks = try store.writerLocks()
    let timeout = store.options.lockTimeout
    var held = [try locks.acquire(.append, timeout: timeout)]
    if replacing != nil { held.append(try locks.acquire(.maintenance, timeout: timeout)) }
    self.locks = held
    start = try store.refresh()
    guard start.catalog.view(id: view.id) != nil else {
      throw LarderError(.notFound, "The view \"\(view.name)\" was dropped meanwhile.")
    }
    intake = try KeyIntake(store, keySet, start)
    let planned = start.head.id + 1
    output = SegmentOutput(store, view: view, commits: planned...planned)
    runs = SegmentOutput(store, view: view, commits: planned...planned)
    try output.prepareFolder(isNamed: start.segments[view.id] != nil)
  }

  /// Sorts buffered rows and writes them out as runs, to be merged by `finish`.
  func spill(_ batches: [AcceptedRows]) throws(LarderError) {
    let rows = try takeIn(batches)
    let sorted = try sort(rows, nil, count: rows.count)
    let cuts = try SegmentCuts.cut(sorted, most: store.options.segmentRows, multiple: 1)
    try runs.write(
      cuts.map { SegmentOutput.Piece(sorted: sorted, range: $0) }, from: rows, in: scratch,
      sync: false)
  }

  /// Writes all rows and commits them.
  func finish(_ batches: [AcceptedRows]) throws(LarderError) -> Commit {
    if runs.descriptions.isEmpty {
      if !batches.isEmpty { try writeDirectly(batches) }
    } else {
      if !batches.isEmpty { try spill(batches) }
      try mergeRuns()
    }
    let log = try intake.write()
    let added = output.descriptions
    let removed = try replacing.map { range throws(LarderError) in
      try range.rewriteRemainders(of: start, view: view, store, output)
    }
    try output.syncFolder()
    let commit = try commit(added: added, removed: removed ?? [], log: log)
    intake.didCommit()
    return commit
  }

  /// Lets go of files and locks once the commit is there.
  func release() {
    output.release()
    runs.abandon()
    for lock in locks.reversed() { lock.release() }
    locks = []
  }

  /// Removes what was written; nothing of it was visible.
  func abandon() {
    output.abandon()
    runs.abandon()
    for lock in locks.reversed() { lock.release() }
    locks = []
  }

  // MARK: Steps

  /// Gives batches ids and puts them together.
  private func takeIn(_ batches: [AcceptedRows]) throws(LarderError) -> BufferedRows {
    let count = batches.reduce(0) { $0 + $1.count }
    let ids = Buffer(uninitializedBytes: count * 4)
    let target = unsafe ids.mutableValues(as: UInt32.self)
    var first = 0
    for batch in batches {
      try unsafe intake.assign(
        batch.keys, into: UnsafeMutableBufferPointer(rebasing: target[first..<first + batch.count]))
      first += batch.count
    }
    return try BufferedRows(
      batches, ids: ids, fields: view.fields, unit: view.definition.timeUnit)
  }

  private func sort(
    _ rows: some RowSource, _ chosen: Buffer?, count: Int
  ) throws(LarderError) -> SortedRows {
    try RowSort(
      ids: rows.ids, events: rows.events, created: rows.created,
      threads: threadCount(store.options.threads), scratch: scratch
    ).sort(chosen, count: count)
  }

  private func writeDirectly(_ batches: [AcceptedRows]) throws(LarderError) {
    let rows = try takeIn(batches)
    let split = PartitionSplit(
      [(rows.events, rows.count)], unit: view.definition.timeUnit,
      width: view.definition.partition, pieceRows: store.options.pieceRows,
      segmentRows: store.options.segmentRows)
    let threads = threadCount(store.options.threads)
    var pieces: [SegmentOutput.Piece] = []
    let lists = split.rows(rows.events, count: rows.count, in: scratch)
    for (index, group) in split.groups.enumerated() {
      let sorted = try sort(rows, lists?[index].rows, count: group.rows)
      for range in try SegmentCuts.cut(
        sorted, most: store.options.segmentRows, multiple: threads)
      {
        pieces.append(
          SegmentOutput.Piece(sorted: sorted, range: range, partition: group.partition))
      }
    }
    try output.write(pieces, from: rows, in: scratch)
  }

  /// Merges the runs that were spilled into segments.
  private func mergeRuns() throws(LarderError) {
    var segments: [Segment] = []
    for run in runs.descriptions {
      segments.append(
        try Segment(path: store.layout.segment(run), files: store.host.files, expected: run))
    }
    try SegmentMerge(store, view: view).split(segments, into: output)
  }

  /// Appends the record, if the plan still holds.
  private func commit(
    added: [SegmentDescription], removed: [SegmentDescription], log: KeyLogState?
  ) throws(LarderError) -> Commit {
    let remainders = Array(output.descriptions.dropFirst(added.count))
    let view = self.view
    let set = keySet.id
    let reason: ManifestRecord.EditReason = replacing == nil ? .append : .replace
    let result = try store.commit { state throws(LarderError) in
      guard state.catalog.view(id: view.id) != nil else {
        throw LarderError(.notFound, "The view \"\(view.name)\" was dropped meanwhile.")
      }
      // The number is known only now: a merge may have committed since the files were sealed.
      let id = state.head.id + 1
      let new = added.map { description in
        var description = description
        description.firstCommit = id
        description.lastCommit = id
        return description
      }
      try Boxes.checkEdit(adding: new + remainders, removing: removed, view: view.id, in: state)
      return .edit(
        ManifestRecord.Edit(
          reason: reason, view: view.id, removed: removed.map(\.uuid), added: new + remainders,
          keyLogs: log.map { [set: $0] } ?? [:]))
    }
    return result.state.head
  }
}
