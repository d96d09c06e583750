import LarderColumns
import LarderContract
import LarderOffline

/// How a query will be answered, in words, from definitions and the manifest alone.
func explanation(of plan: JoinPlan, spine: RecordBatch?) throws(LarderError) -> String {
  var lines: [String] = []
  let query = plan.query
  if let pin = plan.histories.first?.pin { lines.append("as of commit \(pin.commit.id)") }
  if let spine {
    let chunk = JoinRun.chunkRows(spine.count)
    let chunks = (spine.count + chunk - 1) / chunk
    lines.append(
      "point-in-time join of \(spine.count) spine rows by \"\(plan.options.timestamp)\", in chunks "
        + "of \(chunk), on \(plan.threads(chunks: chunks)) threads")
  } else if let range = query.madeFrom {
    lines.append(
      "point-in-time join of the distinct keys and event times from \(range.lowerBound.ticks) "
        + "\(range.lowerBound.unit) through \(range.upperBound.ticks) \(range.upperBound.unit)")
  }
  for (index, lookup) in plan.lookups.enumerated() {
    let columns = lookup.columns.map { "\"\(query.spine.fields[$0].name)\"" }
    let by = columns.isEmpty ? "no column" : columns.joined(separator: ", ")
    lines.append("  keys \(index + 1): \(lookup.schema) by \(by)")
  }
  for index in query.sources.indices {
    lines += try explain(index, plan, spine: spine)
  }
  return lines.joined(separator: "\n")
}

private func words(_ timelines: JoinPlan.Timelines) -> String {
  switch timelines {
  case .held: "at hand"
  case .file(let path): "in \(path.split(separator: "/").last ?? "")"
  case .probed: "none; the few keys are looked up in each segment's index"
  case .merged: "to be merged from the segments' entity indexes"
  }
}

private func explain(
  _ index: Int, _ plan: JoinPlan, spine: RecordBatch?
) throws(LarderError) -> [String] {
  let source = plan.query.sources[index]
  let history = plan.histories[index]
  var lines: [String] = []
  let view = source.view
  let alias = source.name == view.name ? "" : " (a projection of \"\(view.name)\")"
  lines.append("  view \"\(source.name)\"\(alias), keys \(plan.lookupOfSource[index] + 1)")
  if history.segments.isEmpty {
    lines.append("    no rows: every feature is null")
    return lines
  }
  let limit = view.timeToLive.map { $0 == .zero ? "no limit" : "at most \($0)" } ?? "no limit"
  lines.append("    rows of an age of \(limit), in \(view.timeUnit)")
  lines += try explainSegments(index, plan, spine: spine)
  lines.append(
    "    search: only runs of at most \(TimelineHead.rows) rows straight away; others by fences of "
      + "64 rows, each step around a guess")
  if plan.options.asKnown {
    lines.append(
      view.createdTimestamp.map {
        "    as known: only rows with \"\($0)\" not after the time asked"
      }
        ?? "    as known: ignored, the view has no created column and is not filtered")
  }
  let names = source.features.map { view.features[$0].name }
  lines.append(
    "    gather \(names.count) features, matched rows only: \(names.joined(separator: ", "))")
  return lines
}

/// Which segments are looked into, and how the spine's entities are found in them.
private func explainSegments(
  _ index: Int, _ plan: JoinPlan, spine: RecordBatch?
) throws(LarderError) -> [String] {
  let all = plan.choose(index, spine: spine)
  let rows = all.segments.reduce(0) { $0 + $1.rows }
  var lines = ["    \(all.segments.count) segments with \(rows) rows"]
  let needed = all.needed
  if plan.options.withStatus {
    lines.append("    pruning: none, to say why there is no answer")
  } else {
    let kept = needed.reduce(0) { $0 + $1.rows }
    lines.append(
      "    pruning: \(needed.count) of them, with \(kept) rows, meet the time range asked for; the "
        + "others are not touched")
  }
  if !needed.isEmpty {
    let found = try plan.sources(index, spine: spine).timelines
    lines.append("    entity timeline: \(words(found))")
  }
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
