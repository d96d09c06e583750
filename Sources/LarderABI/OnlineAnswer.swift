import Larder
import LarderColumns
import LarderContract

/// The latest features of keys from several views, in one batch.
struct OnlineAnswer {
  let batch: RecordBatch

  /// Reads each view once.
  ///
  /// - Throws: `invalidArgument` for no feature; `notFound` for unknown names; `invalidInput` for
  ///   two columns of one name.
  init(
    _ store: FeatureStore, _ keys: RecordBatch, _ references: [FeatureReference],
    fullNames: Bool, at time: Timestamp?, includeExpired: Bool
  ) throws(LarderError) {
    guard !references.isEmpty else {
      throw LarderError(.invalidArgument, "Ask for at least one feature.")
    }
    var views: [(view: FeatureView, features: [String])] = []
    var asked: [(view: Int, feature: Int)] = []
    for reference in references {
      let view: Int
      if let known = views.firstIndex(where: { $0.view.name == reference.view }) {
        view = known
      } else {
        view = views.count
        views.append((try store.view(named: reference.view), []))
      }
      let names = reference.feature.map { [$0] } ?? views[view].view.features.map(\.name)
      for name in names {
        asked.append((view, views[view].features.count))
        views[view].features.append(name)
      }
    }
    // One instant for all views, so that one answer judges every time to live alike.
    let at = time ?? .now
    var answers: [OnlineRows] = []
    for (view, features) in views {
      answers.append(
        try store.online(view.name).read(
          keys, features: features, at: at, includeExpired: includeExpired))
    }
    var fields: [ColumnField] = []
    var columns: [Column] = []
    for (view, feature) in asked {
      let name = views[view].features[feature]
      let column = answers[view].features.columns[feature]
      fields.append(
        ColumnField(fullNames ? "\(views[view].view.name)__\(name)" : name, column.type))
      columns.append(column)
    }
    for (index, answer) in answers.enumerated() {
      let name = views[index].view.name
      fields.append(ColumnField("\(name)__event_timestamp", answer.eventTimes.type))
      columns.append(answer.eventTimes)
      fields.append(ColumnField("\(name)__status", .string))
      columns.append(OnlineAnswer.statuses(answer.statuses))
    }
    var seen: Set<String> = []
    for field in fields where !seen.insert(field.name).inserted {
      throw LarderError(
        .invalidInput, "Two columns would have this name; ask for full feature names.",
        column: field.name)
    }
    batch = try RecordBatch(schema: Schema(fields), columns: columns, count: keys.count)
  }

  /// The names of the statuses, in the order of their numbers.
  private static let names: Column = {
    let texts = ["present", "nullValue", "notFound", "outsideMaxAge"]
    var ends: [Int32] = [0]
    for text in texts { ends.append(ends[ends.count - 1] + Int32(text.utf8.count)) }
    return Column(
      type: .string, count: texts.count, nullCount: 0, validity: nil,
      values: Buffer(copying: ends), bytes: Buffer(copying: Array(texts.joined().utf8)))
  }()

  /// Statuses as a dictionary column.
  private static func statuses(_ statuses: [OnlineStatus]) -> Column {
    Column(
      type: .string, count: statuses.count, nullCount: 0, validity: nil,
      values: Buffer(copying: statuses.map { Int32($0.rawValue) }), child: names,
      isDictionary: true)
  }
}
