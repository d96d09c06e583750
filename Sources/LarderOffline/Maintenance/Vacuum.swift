import LarderColumns
import LarderContract
import LarderFiles

extension Store {
  /// Shortens the time that snapshots are kept, now and once, and removes what that frees.
  ///
  /// The newest, those with tags and those that readers hold stay.
  ///
  /// - Parameter keep: how long a snapshot stays after a newer one took its place.
  /// - Throws: `readOnly`, `locked`, `io`, `corrupt`.
  @discardableResult
  package func vacuum(
    keeping keep: Duration = .zero, dryRun: Bool = false
  ) throws(LarderError) -> SpaceReport {
    guard keep >= .zero else {
      throw LarderError(.invalidArgument, "Snapshots cannot be kept for a negative time.")
    }
    if dryRun { return try vacuumed(keep) }
    let swept = try sweep(keeping: keep)
    return try space(swept, keeping: keep)
  }

  private func vacuumed(_ keep: Duration) throws(LarderError) -> SpaceReport {
    let state = try refresh()
    let oldest = max(state.oldest(keeping: keep, now: host.now()), manifest.oldestRetained ?? 0)
    let living = try living(state, oldest: oldest)
    var report = SpaceReport(
      filesRemoved: 0, bytesReturned: 0, bytesWaiting: 0, waitingUntil: nil, oldest: oldest,
      isDryRun: true)
    for (path, segments) in earlier(state) {
      guard let status = try host.files.status(of: path) else { continue }
      if segments.contains(where: living.names) {
        report.bytesWaiting += status.bytes
      } else {
        report.filesRemoved += 1
        report.bytesReturned += status.bytes
      }
    }
    return report
  }

  /// Sweeps after a commit, which is done whatever becomes of it; nil if that failed.
  ///
  /// What is left over is found by the next sweep.
  func sweptSpace() -> SpaceReport? {
    do { return try space(try sweep()) } catch { return nil }
  }

  /// What a sweep returned and what still waits.
  func space(_ swept: SweepReport, keeping keep: Duration? = nil) throws(LarderError) -> SpaceReport
  {
    let state = try refresh()
    var report = SpaceReport(
      filesRemoved: swept.files, bytesReturned: swept.bytes, bytesWaiting: 0, waitingUntil: nil,
      oldest: manifest.oldestRetained ?? state.history.first?.id ?? state.head.id, isDryRun: false)
    var until: UInt64 = 0
    for (path, segments) in earlier(state) {
      guard let status = try host.files.status(of: path) else { continue }
      report.bytesWaiting += status.bytes
      until = max(until, segments.map(\.until).max() ?? 0)
    }
    // What only tags and readers hold waits for them, not for its age.
    guard report.bytesWaiting > 0, until > report.oldest,
      let last = state.history.first(where: { $0.id == until })
    else { return report }
    let kept = (keep ?? options.keepSnapshots).clampedMicroseconds
    let (time, overflow) = last.time.ticks.addingReportingOverflow(kept)
    if !overflow { report.waitingUntil = Timestamp(microseconds: time) }
    return report
  }

  /// The files that only earlier snapshots name, and the spans of snapshots that do.
  private func earlier(_ state: StoreState) -> [(String, [StoreState.RetiredSegment])] {
    var live: Set<FileIdentifier> = []
    for segments in state.segments.values {
      for segment in segments { live.insert(segment.description.uuid) }
    }
    var files: [FileIdentifier: [StoreState.RetiredSegment]] = [:]
    for segment in state.retired where !live.contains(segment.uuid) {
      files[segment.uuid, default: []].append(segment)
    }
    return files.map { ("\(layout.viewFolder($1[0].view))/\($0).seg", $1) }
  }
}
