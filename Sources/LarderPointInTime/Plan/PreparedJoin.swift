import LarderColumns
import LarderContract
import LarderOffline

/// A plan with everything opened that its workers share.
struct PreparedJoin: Sendable {
  /// One source, ready to be searched and gathered from.
  struct Source: Sendable {
    /// The source as it was asked for.
    let asked: ResolvedQuery.Source
    /// The segments' time columns; nil if the view has no rows.
    let tables: SearchTables?
    /// Where each entity's runs are; nil if they are looked up in the segments' own indexes.
    let timeline: EntityTimeline?
    /// How the entities' runs were found.
    let found: JoinPlan.Timelines
    /// For each of the source's features, how it is gathered.
    let features: [FeatureGather]
    /// The lookup that finds its ids.
    let lookup: Int
  }

  let plan: JoinPlan
  let sources: [Source]
  /// Seconds that this took.
  let seconds: Double

  /// Opens columns, and finds or merges timelines.
  ///
  /// Segments whose time range cannot meet that of the query are not touched.
  ///
  /// - Parameter spine: the caller's spine; nil if one is to be made.
  /// - Throws: `corrupt`, `unsupportedVersion`, `incompatibleDefinition`; errors of the file
  ///   system.
  init(_ plan: JoinPlan, spine: RecordBatch?) throws(LarderError) {
    self.plan = plan
    let start = ContinuousClock.now
    var sources: [Source] = []
    for (index, asked) in plan.query.sources.enumerated() {
      let history = plan.histories[index]
      let found = try plan.sources(index, spine: spine)
      let choice = found.choice
      var features: [FeatureGather] = []
      for position in asked.features {
        var columns: [SegmentColumn?] = []
        for (segment, isNeeded) in zip(choice.segments, choice.isNeeded) {
          let fieldID = history.fieldIDs[position]
          columns.append(isNeeded ? try segment.column(fieldID: fieldID) : nil)
        }
        features.append(try FeatureGather(columns, as: asked.view.features[position].type))
      }
      let hasRows = choice.isNeeded.contains(true)
      var timeline: EntityTimeline?
      if hasRows, found.timelines != .probed {
        timeline = try plan.timelines.timeline(of: choice.segments, in: history.timelines)
      } else if hasRows, let spine {
        plan.timelines.noteProbed(spine.count, of: choice.segments)
      }
      sources.append(
        Source(
          asked: asked, tables: hasRows ? try SearchTables(choice) : nil, timeline: timeline,
          found: found.timelines, features: features, lookup: plan.lookupOfSource[index]))
    }
    self.sources = sources
    let (whole, attoseconds) = (ContinuousClock.now - start).components
    seconds = Double(whole) + Double(attoseconds) / 1e18
  }
}

extension PreparedJoin.Source {
  /// Room to note which pages of the source's segments are read.
  func touchedPages(_ arena: LaneArena) -> TouchedPages {
    tables?.touchedPages(arena) ?? TouchedPages([], arena)
  }
}
