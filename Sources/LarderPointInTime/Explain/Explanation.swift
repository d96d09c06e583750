import LarderColumns
import LarderContract
import LarderOffline

/// How a question will be answered, in words, from definitions and the manifest alone.
func explanation(of plan: JoinPlan, spine: RecordBatch?) -> String {
  var lines: [String] = []
  let question = plan.question
  if let pin = plan.histories.first?.pin { lines.append("as of commit \(pin.commit.id)") }
  if let spine {
    let chunk = JoinRun.chunkRows(spine.count)
    let chunks = (spine.count + chunk - 1) / chunk
    lines.append(
      "point-in-time join of \(spine.count) spine rows by \"\(plan.options.timestamp)\", in chunks "
        + "of \(chunk), on \(plan.threads(chunks: chunks)) threads")
  } else if let range = question.madeFrom {
    lines.append(
      "point-in-time join of the distinct keys and event times from \(range.lowerBound.ticks) "
        + "\(range.lowerBound.unit) through \(range.upperBound.ticks) \(range.upperBound.unit)")
  }
  for (index, lookup) in plan.lookups.enumerated() {
    let columns = lookup.columns.map { "\"\(question.spine.fields[$0].name)\"" }
    let by = columns.isEmpty ? "no column" : columns.joined(separator: ", ")
    lines.append("  keys \(index + 1): \(lookup.schema) by \(by)")
  }
  for (index, source) in question.sources.enumerated() {
    lines += explain(
      source, plan.histories[index], plan, lookup: plan.lookupOfSource[index],
      spineRows: spine?.count)
  }
  return lines.joined(separator: "\n")
}

private func explain(
  _ source: ResolvedQuestion.Source, _ history: ViewHistory, _ plan: JoinPlan, lookup: Int,
  spineRows: Int?
) -> [String] {
  var lines: [String] = []
  let view = source.view
  let alias = source.name == view.name ? "" : " (a projection of \"\(view.name)\")"
  lines.append("  view \"\(source.name)\"\(alias), keys \(lookup + 1)")
  let rows = history.segments.reduce(0) { $0 + $1.rows }
  if history.segments.isEmpty {
    lines.append("    no rows: every feature is null")
    return lines
  }
  let limit = view.timeToLive.map { $0 == .zero ? "no limit" : "at most \($0)" } ?? "no limit"
  lines.append("    rows of an age of \(limit), in \(view.timeUnit)")
  lines.append("    \(history.segments.count) segments with \(rows) rows")
  let isHeld = plan.timelines.holds(inOrder(history.segments))
  lines.append(
    isHeld
      ? "    entity timeline: at hand"
      : plan.probes(inOrder(history.segments), spineRows: spineRows)
        ? "    entity timeline: none; the few keys are looked up in each segment's index"
        : "    entity timeline: to be merged from the segments' entity indexes")
  lines.append("    search: fences of 64 rows, then around a guess between two fences")
  if plan.options.asKnown {
    lines.append(
      view.createdTimestamp.map {
        "    as known: only rows with \"\($0)\" not after the time asked"
      }
        ?? "    as known: the view has no created column and is not filtered")
  }
  let names = source.features.map { view.features[$0].name }
  lines.append("    gather \(names.count) features: \(names.joined(separator: ", "))")
  return lines
}

/// Segments in the order of their ordinals, which a set of segments always has the same.
func inOrder(_ segments: [Segment]) -> [Segment] {
  segments.sorted { a, b in
    a.description.firstCommit != b.description.firstCommit
      ? a.description.firstCommit < b.description.firstCommit
      : a.description.fileName < b.description.fileName
  }
}
