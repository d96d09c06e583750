import LarderColumns
import LarderContract
import LarderFiles

/// A range of event time to be brought together, and the segments that have rows of it.
struct CompactionTarget: Sendable {
  /// Closed range of ticks; an open one ends with Int64.
  var range: ClosedRange<Int64>
  var parts: [TimeHistogram.Part]
  var isOpen: Bool
  /// What reports call it.
  var name: String
  /// What its segments record.
  var partition: Range<Int64>?

  var rows: Int { parts.reduce(0) { $0 + $1.rows } }
}

/// Decides what a compaction brings together.
///
/// A partition is closed when it ends before the one of the newest event; events that lie in the
/// future do not count as newest. Closed ones are rewritten when their rows are not in segments of
/// their own, or when 25 % as many rows as the largest ones hold lie outside. The open one is left
/// to folding as long as that keeps up: it would be rewritten over and over.
struct CompactionPlan {
  let view: Catalog.View
  /// The live segments, in no order.
  let segments: [Segment]
  /// All units of time that have rows, the open one last.
  private var found: [CompactionTarget] = []
  /// What is due, in order of time, apart from one another.
  private(set) var targets: [CompactionTarget] = []
  /// Rows of the view that lie outside the largest segments of their partitions.
  private(set) var debtRows = 0
  /// What was left alone, and why.
  private(set) var note = ""
  private let options: CompactionOptions
  private let units: TimeUnits
  private let pieceRows: Int
  private let segmentRows: Int

  /// - Parameter now: microseconds since 1970.
  /// - Throws: `invalidArgument` for a name that is no partition; `notFound` for one without rows;
  ///   `corrupt`, `io`.
  init(
    _ view: Catalog.View, _ segments: [Segment], _ options: CompactionOptions, now: Int64,
    store: StoreOptions
  ) throws(LarderError) {
    self.view = view
    self.segments = segments
    self.options = options
    pieceRows = store.pieceRows
    segmentRows = store.segmentRows
    units = try TimeUnits(view, segments, most: store.segmentRows)
    found = try findTargets(now: now)
    debtRows = found.reduce(0) { $0 + layer(of: $1).debt }
    if options.partitions.isEmpty || options.partitions.contains("all") {
      let wantsAll = !options.partitions.isEmpty || options.dropsRepeated
      targets = found.filter { wantsAll ? !isWhole($0) : isDue($0) }
      explain(found)
    } else {
      let named = try namedTargets()
      targets = named.filter { !isWhole($0) }
      if targets.count < named.count {
        note = "\(named.count - targets.count) of the named partitions are one segment already"
      }
    }
  }

  // MARK: Units

  /// All units of time that have rows; small neighbours share one, and so does everything from the
  /// partition of the newest event on.
  private func findTargets(now: Int64) throws(LarderError) -> [CompactionTarget] {
    let limit = Timestamp(microseconds: now).floor(in: view.definition.timeUnit)
    guard let newest = try segments.newestEvent(notAfter: limit) else { return [] }
    let last = units.range(containing: newest)
    let open = last.lowerBound...Int64.max
    let histogram = try TimeHistogram(segments) {
      open.contains($0) ? open : clipped(units.range(containing: $0), before: open.lowerBound)
    }
    var targets: [CompactionTarget] = []
    var lastWasSmall = false
    for unit in histogram.units {
      let isOpen = unit.range.lowerBound == open.lowerBound
      let isSmall = !isOpen && unit.rows < pieceRows
      if isSmall, lastWasSmall, var last = targets.last, last.rows + unit.rows <= segmentRows / 4 {
        last.range = last.range.lowerBound...unit.range.upperBound
        last.partition = nil
        for part in unit.parts {
          if let known = last.parts.firstIndex(where: { $0.segment == part.segment }) {
            last.parts[known].rows += part.rows
          } else {
            last.parts.append(part)
          }
        }
        last.name = name(of: last.range)
        targets[targets.count - 1] = last
      } else {
        targets.append(
          CompactionTarget(
            range: unit.range, parts: unit.parts, isOpen: isOpen,
            name: isOpen ? "\(name(of: unit.range)) (open)" : name(of: unit.range),
            partition: halfOpen(isOpen ? recordable(last, unit.parts) : unit.range)))
      }
      lastWasSmall = isSmall
    }
    return targets
  }

  /// The partition of the newest event, if no row is later; everything from it on else.
  ///
  /// Where the
  /// width is chosen, it may yet become narrower, and is recorded only if it was before.
  private func recordable(
    _ last: ClosedRange<Int64>, _ parts: [TimeHistogram.Part]
  ) -> ClosedRange<Int64> {
    let isWithin = parts.allSatisfy {
      segments[$0.segment].description.maxEvent <= last.upperBound
    }
    return isWithin && units.isSettled(last) ? last : last.lowerBound...Int64.max
  }

  private func clipped(_ range: ClosedRange<Int64>, before end: Int64) -> ClosedRange<Int64> {
    range.upperBound < end ? range : range.lowerBound...(end - 1)
  }

  private func halfOpen(_ range: ClosedRange<Int64>) -> Range<Int64>? {
    range.upperBound == .max ? nil : range.lowerBound..<(range.upperBound + 1)
  }

  private func name(of range: ClosedRange<Int64>) -> String {
    let unit = units.calendar.unit
    if range.upperBound == .max { return units.calendar.name(at: range.lowerBound) }
    for width in [PartitionWidth.year, .month, .day, .hour] {
      let calendar = PartitionCalendar(unit: unit, width: width)
      if calendar.range(containing: range.lowerBound) == range {
        return calendar.name(at: range.lowerBound)
      }
    }
    let calendar = units.calendar
    return "\(calendar.name(at: range.lowerBound))..\(calendar.name(at: range.upperBound))"
  }

  private func namedTargets() throws(LarderError) -> [CompactionTarget] {
    let unit = view.definition.timeUnit
    var named: [(range: ClosedRange<Int64>, name: String)] = []
    for name in options.partitions {
      let range = try PartitionCalendar.named(name, unit: unit).range
      named.append((range, name))
    }
    named.sort { $0.range.lowerBound < $1.range.lowerBound }
    var targets: [CompactionTarget] = []
    for (range, name) in named {
      let histogram = try TimeHistogram(segments) { time in
        if range.contains(time) { return range }
        return time < range.lowerBound
          ? .min...(range.lowerBound - 1) : (range.upperBound + 1)...Int64.max
      }
      guard let found = histogram.units.first(where: { $0.range == range }) else {
        throw LarderError(
          .notFound, "The view \"\(view.name)\" has no rows in the partition \(name).")
      }
      if let last = targets.last, last.range.upperBound >= range.upperBound { continue }
      targets.append(
        CompactionTarget(
          range: range, parts: found.parts, isOpen: false, name: name, partition: halfOpen(range)))
    }
    return targets
  }

  // MARK: Debt

  /// The largest segments of a target that could not be merged into fewer, and the rows outside.
  private func layer(
    of target: CompactionTarget
  ) -> (parts: [TimeHistogram.Part], rows: Int, debt: Int) {
    var chosen: [TimeHistogram.Part] = []
    var rows = 0
    for part in target.parts.sorted(by: { ($0.rows, $1.segment) > ($1.rows, $0.segment) }) {
      if chosen.allSatisfy({ fits($0, beside: part) }) {
        chosen.append(part)
        rows += part.rows
      }
    }
    return (chosen, rows, target.rows - rows)
  }

  /// Rows of a target that lie outside its largest segments.
  func debt(of target: CompactionTarget) -> Int { layer(of: target).debt }

  /// Segments in closed time, of one size class and next to one another by commits, that can be
  /// merged whole; nil if there are not enough.
  ///
  /// They hold late rows, too few for the partitions they belong to.
  func leftovers() -> [Segment]? {
    guard let open = found.last, open.isOpen else { return nil }
    let largest = Set(
      found.dropLast().flatMap { layer(of: $0).parts.map { segments[$0.segment].description.uuid } }
    )
    let loose = segments.filter {
      $0.description.maxEvent < open.range.lowerBound && !largest.contains($0.description.uuid)
    }.sorted {
      let (a, b) = ($0.description, $1.description)
      return (a.lastCommit, a.firstCommit) < (b.lastCommit, b.firstCommit)
    }
    var start = 0
    while start < loose.count {
      let size = FoldPlan.sizeClass(loose[start].rows)
      let rest = loose[start...].prefix { FoldPlan.sizeClass($0.rows) == size }
      if size < FoldPlan.classes.count, rest.count >= FoldPlan.due, isFree(Array(rest)) {
        return Array(rest)
      }
      start += rest.count
    }
    return nil
  }

  /// Whether nothing else lies in the box of some segments.
  private func isFree(_ group: [Segment]) -> Bool {
    let boxes = group.map {
      Box($0.description, events: $0.description.minEvent...$0.description.maxEvent)
    }
    guard let first = boxes.first else { return false }
    let hull = boxes.dropFirst().reduce(first) { $0.joined(with: $1) }
    let own = Set(group.map(\.description.uuid))
    return !segments.contains {
      let bounds = $0.description
      return !own.contains(bounds.uuid)
        && hull.overlaps(Box(bounds, events: bounds.minEvent...bounds.maxEvent))
    }
  }

  /// Whether two segments could not be one: they share no ids, or they share no time and together
  /// have more rows than a segment holds.
  private func fits(_ part: TimeHistogram.Part, beside other: TimeHistogram.Part) -> Bool {
    let a = segments[part.segment].description
    let b = segments[other.segment].description
    if a.maxID < b.minID || b.maxID < a.minID { return true }
    return (a.maxEvent < b.minEvent || b.maxEvent < a.minEvent) && a.rows + b.rows > segmentRows
  }

  /// Whether a target is already as whole as a rewrite would leave it.
  private func isWhole(_ target: CompactionTarget) -> Bool {
    let layer = layer(of: target)
    return layer.debt == 0 && isOwn(layer.parts, target) && !isCrumbled(layer.parts, layer.rows)
      && !options.dropsRepeated && !wantsCold(target)
  }

  private func isDue(_ target: CompactionTarget) -> Bool {
    let layer = layer(of: target)
    if target.isOpen { return isOpenDue(target, layer.rows, layer.debt) }
    if wantsCold(target) || isCrumbled(layer.parts, layer.rows) { return true }
    // Where the width is chosen, segments that span partitions are well enough while they hold
    // nearly all of one.
    if view.definition.partition != .auto, !isOwn(layer.parts, target) { return true }
    return layer.debt > 0 && layer.debt >= layer.rows / 4
  }

  /// The open partition is rewritten where that costs next to nothing, where folding would not get
  /// to it, and where three quarters of it lie about: by the simulation of a year of hourly commits
  /// that adds 0.2 to 0.5 rows written per row, and halves the segments a join looks into.
  private func isOpenDue(_ target: CompactionTarget, _ rows: Int, _ debt: Int) -> Bool {
    guard target.parts.count > 1, debt > 0 else { return false }
    if debt >= 2 * rows || target.rows < 2 * pieceRows { return true }
    var top = target
    top.parts.removeAll { $0.rows < FoldPlan.top }
    let large = layer(of: top)
    return large.debt > 0 && large.debt >= large.rows / 4
  }

  private func isOwn(_ parts: [TimeHistogram.Part], _ target: CompactionTarget) -> Bool {
    parts.allSatisfy { part in
      let bounds = segments[part.segment].description
      return target.range.contains(bounds.minEvent) && target.range.contains(bounds.maxEvent)
    }
  }

  /// Whether rows that share no ids lie in many small segments.
  private func isCrumbled(_ parts: [TimeHistogram.Part], _ rows: Int) -> Bool {
    parts.count > 1 && rows / parts.count < min(65_536, segmentRows / 4)
  }

  private func wantsCold(_ target: CompactionTarget) -> Bool {
    options.isCold
      && target.parts.contains {
        segments[$0.segment].footer.profile != SegmentProfile.cold.rawValue
      }
  }

  private mutating func explain(_ found: [CompactionTarget]) {
    guard let open = found.last, open.isOpen, open.parts.count > 1,
      !targets.contains(where: \.isOpen)
    else { return }
    note =
      "\(open.name) is left to folding: \(open.rows) rows in \(open.parts.count) segments"
  }
}
