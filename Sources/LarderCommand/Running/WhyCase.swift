import Larder
import LarderInterchange

/// One question to one view, and the rows that bear on it.
struct WhyCase {
  private struct Row {
    var event: Timestamp
    var created: Timestamp?
    /// Where the row came in the pull, which is in the order of commits among equal times.
    var order: Int
    var features: [Value]
  }

  private let view: FeatureView
  private let key: [Value]
  private let time: Timestamp
  private let asKnown: Bool
  private var rows: [Row] = []
  private var seen = 0

  /// Rows shown on each side of the time asked for.
  private static let shownRows = 10
  /// Features shown of each row.
  private static let shownFeatures = 6

  init(view: FeatureView, key: [Value], time: Timestamp, asKnown: Bool) {
    self.view = view
    self.key = key
    self.time = time
    self.asKnown = asKnown && view.createdTimestamp != nil
  }

  /// Takes the key's rows out of a batch of the view's history.
  mutating func look(at batch: RecordBatch) {
    let keys = view.isEntityless ? [] : view.joinKeys.compactMap { batch[$0.name] }
    guard let events = batch[view.eventTimestamp] else { return }
    let created = view.createdTimestamp.flatMap { batch[$0] }
    let features = view.features.compactMap { batch[$0.name] }
    for row in 0..<batch.count {
      defer { seen += 1 }
      guard zip(keys, key).allSatisfy({ $0[row] == $1 }),
        case .timestamp(let event) = events[row]
      else { continue }
      var known: Timestamp?
      if case .timestamp(let time) = created?[row] { known = time }
      rows.append(
        Row(event: event, created: known, order: seen, features: features.map { $0[row] }))
    }
  }

  private func isKnown(_ row: Row) -> Bool {
    guard asKnown else { return true }
    return row.created.map { $0 <= time } ?? false
  }

  private func isExpired(_ row: Row) -> Bool {
    guard let limit = view.timeToLiveNanoseconds else { return false }
    return row.event.exactNanoseconds < time.exactNanoseconds - limit
  }

  /// Whether a row gives way to another one, by the rule of the join.
  private static func precedes(_ a: Row, _ b: Row) -> Bool {
    if a.event != b.event { return a.event < b.event }
    switch (a.created, b.created) {
    case (nil, .some): return true
    case (.some, nil): return false
    case (let x?, let y?) where x != y: return x < y
    default: return a.order < b.order
    }
  }

  /// What was found, in words and a table.
  var text: String {
    let sorted = rows.sorted { Self.precedes($1, $0) }
    let winner = sorted.first { $0.event <= time && isKnown($0) && !isExpired($0) }
    let name = zip(view.joinKeys, key).map { "\($0.name)=\(CellText.text($1))" }
    let subject = ([view.name] + name).joined(separator: " ")
    let (status, rule) = verdict(sorted, winner)
    var text = "\(subject) at \(time): \(status.rawValue)\n\(rule)\n"
    guard !sorted.isEmpty else { return text }
    let features = view.features.prefix(Self.shownFeatures)
    var table = Table(
      columns: [("event time", .left)]
        + (view.createdTimestamp == nil ? [] : [("created", .left)])
        + features.map { ($0.name, .left) } + [("verdict", .left)])
    let later = sorted.filter { $0.event > time }
    let shown =
      later.suffix(Self.shownRows)
      + sorted.filter { $0.event <= time }
      .prefix(Self.shownRows)
    for row in shown {
      var cells = [row.event.description]
      if view.createdTimestamp != nil { cells.append(row.created?.description ?? "-") }
      for value in row.features.prefix(Self.shownFeatures) {
        cells.append(value == .null ? "-" : CellText.text(value))
      }
      table.add(cells + [words(for: row, winner)])
    }
    text += "\n" + table.text
    let hidden = sorted.count - shown.count
    if hidden > 0 { text += "and \(Quantity.count(hidden, "row")) farther away\n" }
    return text
  }

  private func verdict(_ sorted: [Row], _ winner: Row?) -> (RetrievalStatus, String) {
    let limit = ViewText.timeToLive(view)
    if let winner {
      let rivals = sorted.filter { $0.event == winner.event && isKnown($0) }
      let tie =
        rivals.count == 1
        ? ""
        : rivals[1].created == winner.created
          ? "; of those with equal times the one committed last"
          : "; of those with this event time the one created last"
      let age = limit == "-" ? "" : " and not older than \(limit)"
      return (.present, "the row with the latest event time that is not later\(age)\(tie)")
    }
    if sorted.isEmpty { return (.noEntity, "the view has no row of this key") }
    let past = sorted.filter { $0.event <= time }
    if past.isEmpty { return (.onlyLater, "every row of this key is later") }
    if !past.contains(where: isKnown) {
      return (.notYetKnown, "no row of this key was known by then")
    }
    // A row young enough is there, so it was not known: else it would have answered.
    return past.contains { !isExpired($0) }
      ? (.notYetKnown, "the rows within \(limit) were not known by then")
      : (.expired, "the latest row that is not later is older than \(limit)")
  }

  private func words(for row: Row, _ winner: Row?) -> String {
    if row.order == winner?.order { return "answers" }
    if row.event > time { return "later than asked for" }
    if isExpired(row) { return "older than the time to live" }
    if !isKnown(row) { return "not known by then" }
    guard let winner, row.event == winner.event else { return "an earlier event time" }
    return row.created == winner.created
      ? "equal times, committed earlier" : "equal event time, created earlier"
  }
}
