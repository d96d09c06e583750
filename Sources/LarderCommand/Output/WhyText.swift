import Larder
import LarderInterchange

/// Why a view answered as it did, for people.
struct WhyText {
  private let report: WhyReport
  private let view: FeatureView
  private let key: [String: Value]

  /// Features shown of each row.
  private static let shownFeatures = 6

  init(_ report: WhyReport, of view: FeatureView, key: [String: Value]) {
    self.report = report
    self.view = view
    self.key = key
  }

  /// The status, the rule that decided, and a table of the rows nearest to the decision.
  var text: String {
    let keys = view.joinKeys.compactMap { joinKey in
      key[joinKey.name].map { "\(joinKey.name)=\(CellText.text($0))" }
    }
    let subject = ([view.name] + keys).joined(separator: " ")
    var text = "\(subject) at \(report.time): \(report.status.rawValue)\n\(report.rule)\n"
    guard !report.candidates.isEmpty else { return text }
    text += "\n" + table.text
    let rows = report.counts.values.reduce(0, +)
    let hidden = rows - report.candidates.count
    if hidden > 0 { text += "and \(Quantity.count(hidden, "row")) farther away\n" }
    return text
  }

  private var table: Table {
    let hasCreated = view.createdTimestamp != nil
    let features = view.features.prefix(Self.shownFeatures)
    var table = Table(
      columns: [("event time", .left)] + (hasCreated ? [("created", .left)] : [])
        + features.map { ($0.name, .left) } + [("verdict", .left)])
    for row in report.candidates {
      var cells = [row.event.description]
      if hasCreated { cells.append(row.created?.description ?? "-") }
      for value in row.values.prefix(Self.shownFeatures) {
        cells.append(value == .null ? "-" : CellText.text(value))
      }
      table.add(cells + [words(for: row.verdict)])
    }
    return table
  }

  private func words(for verdict: WhyReport.Verdict) -> String {
    switch verdict {
    case .answer: return "answers"
    case .later: return "later than asked for"
    case .expired: return "older than \(ViewText.timeToLive(view))"
    case .notYetKnown: return "not known by then"
    case .earlierEvent: return "an earlier event time"
    case .earlierCreated: return "equal event time, created earlier"
    case .earlierCommit: return "equal times, committed earlier"
    }
  }
}
