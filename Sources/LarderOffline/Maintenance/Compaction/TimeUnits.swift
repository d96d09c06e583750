import LarderColumns
import LarderContract

/// The units of time that a compaction brings together: partitions of the view's calendar.
///
/// Where the width is `auto`, ranges that earlier segments recorded stay units, and the time around
/// them is divided by the widest partitions that hold no more rows than a segment.
struct TimeUnits: Sendable {
  let calendar: PartitionCalendar
  /// Recorded ranges, apart from one another, in order of time; only where the width is `auto`.
  private let recorded: [ClosedRange<Int64>]
  private let hasFixedWidth: Bool

  /// - Throws: `corrupt` if fences are damaged.
  init(_ view: Catalog.View, _ segments: [Segment], most: Int) throws(LarderError) {
    let unit = view.definition.timeUnit
    hasFixedWidth = view.definition.partition != .auto
    guard view.definition.partition == .auto else {
      calendar = PartitionCalendar(unit: unit, width: view.definition.partition)
      recorded = []
      return
    }
    var ranges: [ClosedRange<Int64>] = []
    let found = segments.compactMap(\.description.partition).filter { !$0.isEmpty }
    for range in found.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      let closed = range.lowerBound...(range.upperBound - 1)
      if let last = ranges.last, closed.lowerBound <= last.upperBound {
        ranges[ranges.count - 1] =
          last.lowerBound...max(last.upperBound, closed.upperBound)
      } else {
        ranges.append(closed)
      }
    }
    recorded = ranges
    calendar = PartitionCalendar(
      unit: unit, width: try Self.width(segments, unit: unit, most: most))
  }

  /// The widest width of which the fullest partition, as far as its fullest part tells, has no more
  /// rows than a segment.
  private static func width(
    _ segments: [Segment], unit: TimeUnit, most: Int
  ) throws(LarderError) -> PartitionWidth {
    let steps: [(PartitionWidth, part: PartitionWidth, parts: Int)] = [
      (.year, .month, 12), (.month, .day, 31), (.day, .hour, 24),
    ]
    for (width, part, parts) in steps {
      let histogram = try TimeHistogram(segments) {
        PartitionCalendar(unit: unit, width: part).range(containing: $0)
      }
      let fullest = histogram.units.map(\.rows).max() ?? 0
      if fullest <= most / parts { return width }
    }
    return .hour
  }

  /// Whether a unit stays what it is, whatever rows come.
  func isSettled(_ range: ClosedRange<Int64>) -> Bool {
    hasFixedWidth || recorded.contains(range)
  }

  /// The unit that a time lies in.
  func range(containing time: Int64) -> ClosedRange<Int64> {
    var low = 0
    var high = recorded.count
    while low < high {
      let middle = (low + high) / 2
      if recorded[middle].upperBound < time { low = middle + 1 } else { high = middle }
    }
    if low < recorded.count, recorded[low].contains(time) { return recorded[low] }
    let whole = calendar.range(containing: time)
    // Recorded ranges are apart from `time` here, so what is left is not empty.
    let lower = low > 0 ? max(whole.lowerBound, recorded[low - 1].upperBound + 1) : whole.lowerBound
    let upper =
      low < recorded.count
      ? min(whole.upperBound, recorded[low].lowerBound - 1) : whole.upperBound
    return lower...upper
  }
}

/// Roughly how many rows of which segment lie in which unit of time: told by the fences, the event
/// time of every 64th row; of small segments exactly.
struct TimeHistogram {
  /// Segments of so many rows are counted row by row.
  private static let exactRows = 65_536

  /// Rows of one segment in a unit.
  struct Part: Hashable {
    /// The position of the segment among those given.
    var segment: Int
    /// At least 1; exact if the segment lies within the unit.
    var rows: Int
  }

  /// A unit of time and who has rows of it.
  struct Unit {
    var range: ClosedRange<Int64>
    var parts: [Part]
    var rows: Int { parts.reduce(0) { $0 + $1.rows } }
  }

  /// The units that have rows, in order of time.
  let units: [Unit]

  /// - Parameter locate: the unit of a time.
  /// - Throws: `corrupt` if fences are damaged.
  /// - Complexity: O(rows / 64) of the large segments that span several units.
  init(
    _ segments: [Segment], locate: (Int64) -> ClosedRange<Int64>
  ) throws(LarderError) {
    var units: [Int64: Unit] = [:]
    for (index, segment) in segments.enumerated() {
      let bounds = segment.description
      let first = locate(bounds.minEvent)
      guard !first.contains(bounds.maxEvent) else {
        units[first.lowerBound, default: Unit(range: first, parts: [])].parts.append(
          Part(segment: index, rows: segment.rows))
        continue
      }
      var rows: [Int64: (range: ClosedRange<Int64>, rows: Int)] = [:]
      rows[first.lowerBound] = (first, 1)
      let last = locate(bounds.maxEvent)
      rows[last.lowerBound] = (last, 1)
      var here = first
      func count(_ time: Int64, _ weight: Int) {
        if !here.contains(time) { here = locate(time) }
        rows[here.lowerBound, default: (here, 0)].rows += weight
      }
      if segment.rows <= Self.exactRows {
        rows = [:]
        let events = try segment.decodeEvents(rows: 0..<segment.rows)
        let times = unsafe events.values(as: Int64.self)
        for row in 0..<segment.rows { unsafe count(times[row], 1) }
      } else {
        let fences = unsafe try segment.fences()
        for block in 0..<fences.count {
          unsafe count(fences[block], min(64, segment.rows - block * 64))
        }
      }
      for (lower, found) in rows {
        units[lower, default: Unit(range: found.range, parts: [])].parts.append(
          Part(segment: index, rows: found.rows))
      }
    }
    self.units = units.values.sorted { $0.range.lowerBound < $1.range.lowerBound }
  }
}
