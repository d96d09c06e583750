import LarderColumns
import LarderContract
import LarderOffline

/// The segments of one source, and which of them can hold an answer: the others are not touched.
struct SegmentChoice: Sendable {
  /// The view's segments, in the order of their ordinals.
  let segments: [Segment]
  /// For each, whether its exact time range meets that of the query.
  let isNeeded: [Bool]
  /// The segments that can hold an answer.
  var needed: [Segment] { zip(segments, isNeeded).filter(\.1).map(\.0) }

  /// - Parameters:
  ///   - segments: of a view, in any order.
  ///   - range: the first and last tick that can answer; nil if all segments are needed.
  init(_ segments: [Segment], range: ClosedRange<Int64>?) {
    self.segments = inOrder(segments)
    isNeeded = self.segments.map { segment in
      guard let range else { return true }
      return segment.description.minEvent <= range.upperBound
        && segment.description.maxEvent >= range.lowerBound
    }
  }
}

extension JoinPlan {
  /// What a source is answered from.
  struct Sources: Sendable {
    /// The segments, in the order of their ordinals, and which of them are touched.
    var choice: SegmentChoice
    /// Where the runs of the spine's entities are found.
    var timelines: Timelines
  }

  /// Chooses what a source is answered from; reads nothing but the headers of timelines.
  ///
  /// - Parameters:
  ///   - source: its number.
  ///   - spine: nil if it is to be made from the query's range.
  /// - Throws: `io`, `permissionDenied`.
  func sources(_ source: Int, spine: RecordBatch?) throws(LarderError) -> Sources {
    let all = choose(source, spine: spine)
    let found = try timelines(all.segments, source: source, spineRows: spine?.count)
    switch found {
    case .held, .file: return Sources(choice: all, timelines: found)
    case .probed, .merged:
      // A timeline that is yet to be made needs only the segments that can hold an answer. But one
      // of all segments serves other queries too, so it is left out only where it costs much.
      let few = SegmentChoice(all.needed, range: nil)
      let runs = all.segments.reduce(0) { $0 + $1.entityCount }
      if found == .merged, few.segments.reduce(0, { $0 + $1.entityCount }) * 4 > runs {
        return Sources(choice: all, timelines: found)
      }
      return Sources(
        choice: few,
        timelines: try timelines(few.segments, source: source, spineRows: spine?.count))
    }
  }

  /// Chooses the segments of a source.
  ///
  /// - Parameters:
  ///   - source: its number.
  ///   - spine: nil if it is to be made from the query's range.
  func choose(_ source: Int, spine: RecordBatch?) -> SegmentChoice {
    let segments = histories[source].segments
    // To say why there is no answer, rows outside of the range are looked at too.
    if options.withStatus { return SegmentChoice(segments, range: nil) }
    let view = query.sources[source].view
    let times: Column
    if let spine {
      times = spine.columns[query.timeColumn]
    } else if let range = query.madeFrom {
      times = .timestamp(range)
    } else {
      return SegmentChoice(segments, range: nil)
    }
    guard let range = TimeBounds.range(times, view, rules) else {
      return SegmentChoice(segments, range: nil)
    }
    return SegmentChoice(segments, range: range)
  }
}

extension Column {
  /// The two ends of a range, rounded outwards to the coarser of their units.
  fileprivate static func timestamp(_ range: ClosedRange<Timestamp>) -> Column {
    let (from, through) = (range.lowerBound, range.upperBound)
    let isCoarser = from.unit.nanosecondsPerTick > through.unit.nanosecondsPerTick
    let unit = isCoarser ? from.unit : through.unit
    return Column(
      type: .timestamp(unit), count: 2, nullCount: 0, validity: nil,
      values: Buffer(copying: [from.floor(in: unit), through.ceiling(in: unit)]))
  }
}
