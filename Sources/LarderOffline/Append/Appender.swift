import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// Takes any number of batches for one view and commits them as one.
///
/// Memory is bounded: above `StoreOptions.appendBufferBytes` of buffered rows they are sorted and
/// written out as a run, and `finish` merges the runs. Dropped without `finish`, it leaves nothing
/// behind. Not for several threads at a time.
///
/// ```swift
/// let appender = try store.appender(to: "driver_stats")
/// for batch in batches { try appender.append(batch) }
/// let commit = try appender.finish()
/// ```
package final class Appender {
  private let store: Store
  private let view: Catalog.View
  private let keySet: Catalog.KeySet
  private let validation: BatchValidation
  private var buffered: [AcceptedRows] = []
  private var bufferedRows = 0
  private var bufferedBytes = 0
  private var job: AppendJob?
  private var isDone = false
  /// Rows accepted so far.
  package private(set) var rows = 0
  /// What the appended rows replace; nil to add to what is there.
  let replacing: ReplacedRange?

  init(_ store: Store, view name: String, replacing: ReplacedRange?) throws(LarderError) {
    _ = try store.writerLocks()
    let catalog = try store.refresh().catalog
    let view = try catalog.requireView(name)
    guard let keySet = catalog.keySet(id: view.keySet) else {
      throw LarderError(.corrupt, "The view \"\(name)\" has no key set.", file: store.layout.root)
    }
    self.store = store
    self.view = view
    self.keySet = keySet
    self.replacing = replacing
    validation = try BatchValidation(view, keySet)
  }

  deinit { job?.abandon() }

  /// Checks a batch and keeps its rows for the commit.
  ///
  /// - Throws: `invalidInput` with column, row and reason; then nothing of the batch is kept and
  ///   the appender goes on. `locked`, `noSpace`, `io` from writing a run out; then it is over.
  package func append(_ batch: RecordBatch) throws(LarderError) {
    guard !isDone else {
      throw LarderError(.closed, "The appender has finished; make another.")
    }
    let accepted = try validation.accept(batch)
    try replacing?.check(accepted.events, count: accepted.count, validation)
    guard accepted.count > 0 else { return }
    let bytes = accepted.bytes
    if !buffered.isEmpty,
      bufferedBytes + bytes > store.options.appendBufferBytes
        || bufferedRows + accepted.count > Limits.batchRows
    {
      try ending { () throws(LarderError) in try spill() }
    }
    buffered.append(accepted)
    bufferedRows += accepted.count
    bufferedBytes += bytes
    rows += accepted.count
  }

  /// Commits all rows, durably, or none.
  ///
  /// - Returns: the commit; the newest one there is if there were no rows.
  /// - Throws: `notFound` if the view was dropped meanwhile; `locked`; `noSpace`, `io`;
  ///   `outcomeUnknown`; `poisoned`. Nothing was appended then, unless the outcome is unknown.
  package func finish() throws(LarderError) -> Commit {
    guard !isDone else {
      throw LarderError(.closed, "The appender has finished; make another.")
    }
    if rows == 0, replacing == nil {
      isDone = true
      return try store.refresh().head
    }
    let commit = try ending { () throws(LarderError) in
      let job = try startedJob()
      hand(to: job)
      let commit = try job.finish()
      job.release()
      return commit
    }
    isDone = true
    job = nil
    store.didAppend(to: view.id, keySet: keySet)
    return commit
  }

  /// Gives up; nothing was appended.
  package func abandon() {
    isDone = true
    buffered = []
    job?.abandon()
    job = nil
  }

  private func spill() throws(LarderError) {
    let job = try startedJob()
    hand(to: job)
    try job.spill()
  }

  private func hand(to job: AppendJob) {
    job.take(buffered)
    buffered = []
    bufferedRows = 0
    bufferedBytes = 0
  }

  private func startedJob() throws(LarderError) -> AppendJob {
    if let job { return job }
    let made = try AppendJob(store, view: view, keySet: keySet, replacing: replacing)
    job = made
    return made
  }

  /// Runs a step after whose failure there is nothing to go on with.
  private func ending<T>(_ step: () throws(LarderError) -> T) throws(LarderError) -> T {
    do { return try step() } catch {
      // The record may be whole: whoever opens the store next may keep it, and needs the files. If it
      // is not, a sweep finds them.
      if error.code == .outcomeUnknown { job?.release() } else { job?.abandon() }
      isDone = true
      buffered = []
      job = nil
      throw error
    }
  }
}

extension AcceptedRows {
  /// About how much memory the rows keep.
  var bytes: Int {
    var bytes = count * 16
    for case let column? in features + [created] { bytes += column.approximateBytes }
    return bytes
  }
}

extension Column {
  /// About how much memory the column's rows take.
  var approximateBytes: Int {
    let own: Int =
      switch type.layout {
      case .bits: count / 8
      case .fixed(let width): count * (isDictionary ? 4 : width)
      case .variable, .list: count * 4
      }
    let variable =
      bytes == nil || isDictionary ? 0 : unsafe Int(offsets[count] &- offsets[0])
    return own + variable + (elements?.approximateBytes ?? 0)
  }
}

extension Store {
  /// Begins an append of many batches that becomes one commit.
  ///
  /// - Throws: `notFound` with the nearest name; `readOnly`.
  package func appender(to view: String) throws(LarderError) -> Appender {
    try Appender(self, view: view, replacing: nil)
  }

  /// Appends batches in one commit.
  ///
  /// - Returns: the commit that holds the rows, durable.
  /// - Throws: as `Appender`; nothing was appended then, unless the outcome is unknown.
  /// - Complexity: O(rows), and a sort by time within each key.
  @discardableResult
  package func append(
    _ batches: [RecordBatch], to view: String
  ) throws(LarderError) -> Commit {
    let appender = try appender(to: view)
    for batch in batches { try appender.append(batch) }
    return try appender.finish()
  }
}
