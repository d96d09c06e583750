import LarderColumns
import LarderContract
import LarderEncodings
import LarderFiles
import LarderKeys

extension Snapshot {
  /// What the snapshot holds, read from the manifest and from segments' footers.
  ///
  /// - Throws: `corrupt`, `io`.
  /// - Complexity: O(segments x columns).
  package func report() throws(LarderError) -> StoreReport {
    var views: [StoreReport.View] = []
    for view in catalog.views { views.append(try report(of: view)) }
    return StoreReport(commit: commit, views: views, notes: try store.notes())
  }

  private func report(of view: Catalog.View) throws(LarderError) -> StoreReport.View {
    let segments = segments(of: view)
    let unit = view.definition.timeUnit
    let rows = segments.reduce(0) { $0 + $1.rows }
    var parts = PartsReport(view)
    var opened: [Segment] = []
    for description in segments { opened.append(try open(description)) }
    for segment in opened { try parts.add(segment) }
    let plan = try CompactionPlan(
      view, opened, CompactionOptions(), now: store.host.now(), store: store.options)
    return StoreReport.View(
      name: view.name, rows: rows, keys: Int(keyLogs[view.keySet]?.count ?? 0),
      firstEvent: segments.map(\.minEvent).min().map { Timestamp(ticks: $0, unit: unit) },
      lastEvent: segments.map(\.maxEvent).max().map { Timestamp(ticks: $0, unit: unit) },
      segments: segments.count, partitions: partitions(of: segments, view),
      bytes: segments.reduce(0) { $0 + $1.fileBytes },
      debtRows: plan.debtRows, parts: parts.parts)
  }
}

extension Store {
  /// What is no damage and yet to be known.
  ///
  /// - Throws: `corrupt`, `io`.
  func notes() throws(LarderError) -> [String] {
    var notes: [String] = []
    let pending = try refresh().erasures.pending
    if !pending.isEmpty {
      let count = pending.values.reduce(0) { $0 + $1.count }
      notes.append(
        "an erasure is not finished: \(count == 1 ? "1 key is" : "\(count) keys are") hidden, and "
          + "the files are not all rewritten; `larder vacuum` continues with it")
    }
    let unsettled = unsettledCommits
    if unsettled > 0 {
      notes.append(
        "unsettled: \(unsettled == 1 ? "1 commit lies" : "\(unsettled) commits lie") beyond what "
          + "was published, since a command ended in between; the next command that writes "
          + "settles it")
    }
    return notes
  }
}

/// How many partitions of time the segments divide a view's rows into; 1 where they do not.
///
/// A segment that was not cut out for a partition lies in one if its first and last event do.
private func partitions(of segments: [SegmentDescription], _ view: Catalog.View) -> Int {
  if segments.isEmpty { return 0 }
  let (unit, width) = (view.definition.timeUnit, view.definition.partition)
  var found: Set<Range<Int64>> = []
  for segment in segments {
    if let partition = segment.partition {
      found.insert(partition)
    } else if width != .auto,
      let slots = PartitionSlots(segment.minEvent, segment.maxEvent, unit: unit, width: width),
      slots.partitions.count == 1
    {
      found.insert(slots.partitions[0])
    }
  }
  return max(1, found.count)
}

/// The columns of a view's segments, added up by feature.
private struct PartsReport {
  private(set) var parts: [StoreReport.Part] = []
  private let view: Catalog.View

  init(_ view: Catalog.View) { self.view = view }

  mutating func add(_ segment: Segment) throws(LarderError) {
    var left = segment.description.fileBytes
    let index = segment.footer.entityIDs.bytes + segment.footer.runStarts.bytes
    add("entity index", index, [])
    left -= min(left, index)
    for case .known(let record) in segment.footer.columns {
      let fences = record.role == .eventTime ? segment.footer.fences.bytes : 0
      let bytes = record.bytesInFile + fences
      add(name(of: record), bytes, record.encodingNames)
      left -= min(left, bytes)
    }
    add("headers and footers", left, [])
  }

  private func name(of record: ColumnRecord) -> String {
    switch record.role {
    case .eventTime: return view.definition.eventTimestamp
    case .createdTime: return view.definition.createdTimestamp ?? "created time"
    case .feature, .elements:
      let fields = view.fields + view.retired
      return fields.first { $0.id == record.fieldID }?.name ?? "feature \(record.fieldID)"
    }
  }

  private mutating func add(_ name: String, _ bytes: UInt64, _ encodings: [String]) {
    guard let index = parts.firstIndex(where: { $0.name == name }) else {
      parts.append(StoreReport.Part(name: name, bytes: bytes, encodings: encodings))
      return
    }
    parts[index].bytes += bytes
    for encoding in encodings where !parts[index].encodings.contains(encoding) {
      parts[index].encodings.append(encoding)
    }
  }
}

extension ColumnRecord {
  /// The encodings that occur in the column, in words.
  var encodingNames: [String] {
    var names: [String] = []
    switch encoding {
    case .lanes: break
    case .fixedDictionary, .dictionary: names.append("dictionary")
    case .plain: names.append(hasPackedBytes ? "zstd" : "plain text")
    case .symbols: names.append("symbol table")
    case .list: names.append("list")
    }
    if isCoded { names.append("entropy") }
    if traits.contains(.decimal) { names.append("decimal") }
    if traits.contains(.single) { names.append("float32 in float64") }
    if traits.contains(.frames) { names.append("frames") }
    if traits.contains(.runs) { names.append("run length") }
    if traits.contains(.delta) { names.append("delta") }
    if traits.contains(.patches) { names.append("patches") }
    if traits.contains(.scaled) { names.append("divisor") }
    if reference == .eventTime { names.append("less event time") }
    if names.isEmpty || reference == .fence { names.append("frame of reference") }
    return names
  }
}
