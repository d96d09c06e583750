import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// The part of an append that holds the append lock: ids, segments, the commit.
///
/// Used by one thread at a time; what its tasks share is `KeyIntake` and `ScratchMemory`.
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
  private let plan: CommitPlan
  private let scratch = ScratchMemory()
  private var taken: [AcceptedRows] = []

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
    // What a process that died left between its record and its publication has to be history before
    // ids are given out: else they would be given out twice.
    start = try store.settle()
    var inputs: [SegmentDescription] = []
    if let replacing { inputs = replacing.inputs(of: start, view: view) }
    plan = CommitPlan(start, view, inputs: inputs)
    // The batches were checked by a definition that was read before the lock was there.
    try plan.checkDefinition(start)
    intake = try KeyIntake(store, keySet, start)
    let planned = start.head.id + 1
    output = SegmentOutput(store, view: view, commits: planned...planned)
    runs = SegmentOutput(store, view: view, commits: planned...planned)
    try output.prepareFolder(isNamed: start.segments[view.id] != nil)
  }

  /// Takes rows for the next step over; the caller forgets them, so that they go as they are used.
  func take(_ batches: [AcceptedRows]) { taken = batches }

  /// Sorts the rows taken and writes them out as runs, to be merged by `finish`.
  func spill() throws(LarderError) {
    let (rows, _) = try takeIn(splitting: false)
    let sorted = try sort(rows, nil, count: rows.count)
    let cuts = try SegmentCuts.cut(sorted, most: store.options.segmentRows, multiple: 1)
    try runs.write(
      cuts.map { SegmentOutput.Piece(sorted: sorted, range: $0) }, from: rows, in: scratch,
      sync: false)
  }

  /// Writes all rows and commits them.
  func finish() throws(LarderError) -> Commit {
    if runs.descriptions.isEmpty {
      if !taken.isEmpty { try writeDirectly() }
    } else {
      if !taken.isEmpty { try spill() }
      try mergeRuns()
    }
    let added = output.descriptions
    let removed = try replacing.map { range throws(LarderError) in
      do throws(LarderError) {
        return try range.rewriteRemainders(of: start, view: view, store, output)
      } catch {
        // Definitions take no lock: a view that was dropped may be swept under our eyes.
        try plan.checkAppend(try store.refresh())
        throw error
      }
    }
    let intake = self.intake
    try output.makeDurable { () throws(LarderError) in try intake.write() }
    let commit = try commit(added: added, removed: removed ?? [], log: intake.written)
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

  private func threads(for values: Int) -> Int {
    threadCount(store.options.threads, values: values)
  }

  /// Gives the rows taken ids, puts their columns together, and splits them by time.
  ///
  /// Ids are given in order of first appearance, so by one thread; the others do the rest.
  private func takeIn(
    splitting: Bool
  ) throws(LarderError) -> (rows: BufferedRows, groups: [SegmentGroup]) {
    let joining = JoiningRows(taken, fields: view.fields, unit: view.definition.timeUnit)
    taken = []
    let count = joining.count
    let ids = scratch.take(count * 4)
    let groups = ForkSafeMutex<[SegmentGroup]>([])
    let intake = self.intake
    let splitter = splitting ? GroupSplitter(view, store.options, scratch) : nil
    try runTasks(1 + joining.columns, threads: threads(for: count * (1 + joining.columns))) {
      task throws(LarderError) in
      switch task {
      case 0: try intake.assign(joining.takeKeys(), into: ids)
      case 1:
        let events = try joining.joinEvents()
        if let found = splitter?.split(events, count: count) { groups.withLock { $0 = found } }
      default: try joining.join(task - 1)
      }
    }
    return (try joining.rows(ids: ids), groups.withLock { $0 })
  }

  private func sort(
    _ rows: BufferedRows, _ chosen: Buffer?, count: Int
  ) throws(LarderError) -> SortedRows {
    try RowSort(
      ids: rows.ids, events: rows.events, created: rows.created,
      threads: threads(for: count), scratch: scratch
    ).sort(chosen, count: count)
  }

  /// Writes rows that are all in memory, and the new keys beside.
  ///
  /// Group by group, so that the sorted ids and times of one serve the next.
  private func writeDirectly() throws(LarderError) {
    let (rows, groups) = try takeIn(splitting: true)
    let threads = self.threads(for: rows.count * (1 + view.fields.count))
    let intake = self.intake
    // One thread alone leaves the keys to the end, where they wait for the disk beside the rest.
    var beside: (@Sendable () throws(LarderError) -> Void)?
    if threads > 1 { beside = { @Sendable () throws(LarderError) in try intake.write() } }
    for group in groups {
      let sorted = try sort(rows, group.chosen, count: group.rows)
      let cuts = try SegmentCuts.cut(
        sorted, most: store.options.segmentRows, multiple: threads)
      try output.write(
        cuts.map {
          SegmentOutput.Piece(sorted: sorted, range: $0, partition: group.partition)
        }, from: rows, in: scratch, sync: false, beside: beside)
    }
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
    let plan = self.plan
    let set = keySet.id
    let reason: ManifestRecord.EditReason = replacing == nil ? .append : .replace
    let omitsComparing = store.options.omitted.contains(.comparing)
    let result = try store.commit { state throws(LarderError) in
      if !omitsComparing { try plan.checkAppend(state) }
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

/// Rows that become a segment of their own, or several by id.
private struct SegmentGroup: Sendable {
  var partition: Range<Int64>?
  var rows: Int
  /// UInt32 row numbers; nil for all.
  var chosen: Buffer?
}

/// Parts rows into groups by their times.
private struct GroupSplitter: Sendable {
  private let unit: TimeUnit
  private let width: PartitionWidth
  private let options: StoreOptions
  private let scratch: ScratchMemory

  init(_ view: Catalog.View, _ options: StoreOptions, _ scratch: ScratchMemory) {
    unit = view.definition.timeUnit
    width = view.definition.partition
    self.options = options
    self.scratch = scratch
  }

  func split(_ events: Buffer, count: Int) -> [SegmentGroup] {
    let split = PartitionSplit(
      [(events, count)], unit: unit, width: width, pieceRows: options.pieceRows,
      segmentRows: options.segmentRows)
    let lists = split.rows(events, count: count, in: scratch)
    return split.groups.enumerated().map { index, group in
      SegmentGroup(partition: group.partition, rows: group.rows, chosen: lists?[index].rows)
    }
  }
}
