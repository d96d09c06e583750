import LarderColumns
import LarderContract
import LarderOffline

/// A plan with everything opened that its workers share.
struct PreparedJoin: Sendable {
  /// One source, ready to be searched and gathered from.
  struct Source: Sendable {
    /// The source as it was asked for.
    let asked: ResolvedQuestion.Source
    /// The segments' time columns; nil if the view has no rows.
    let tables: SearchTables?
    /// Where each entity's runs are; nil if they are looked up in the segments' own indexes.
    let timeline: EntityTimeline?
    /// For each of the source's features, how it is gathered.
    let features: [FeatureGather]
    /// The lookup that finds its ids.
    let lookup: Int
  }

  let plan: JoinPlan
  let sources: [Source]

  /// Opens columns and merges entity indexes.
  ///
  /// - Throws: `corrupt`, `unsupportedVersion`, `incompatibleDefinition`; errors of the file
  ///   system.
  ///
  /// - Parameter spineRows: rows of the spine, if it is known; few of them need no timeline.
  init(_ plan: JoinPlan, spineRows: Int?) throws(LarderError) {
    self.plan = plan
    var sources: [Source] = []
    for (index, asked) in plan.question.sources.enumerated() {
      let history = plan.histories[index]
      let segments = inOrder(history.segments)
      var features: [FeatureGather] = []
      for position in asked.features {
        var columns: [SegmentColumn?] = []
        for segment in segments {
          columns.append(try segment.column(fieldID: history.fieldIDs[position]))
        }
        features.append(try FeatureGather(columns, as: asked.view.features[position].type))
      }
      let probes = plan.probes(segments, spineRows: spineRows)
      sources.append(
        Source(
          asked: asked, tables: segments.isEmpty ? nil : try SearchTables(segments),
          timeline: segments.isEmpty || probes
            ? nil : try plan.timelines.timeline(of: segments),
          features: features, lookup: plan.lookupOfSource[index]))
    }
    self.sources = sources
  }
}
