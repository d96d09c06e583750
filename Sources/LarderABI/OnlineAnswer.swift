import Larder
import LarderColumns
import LarderContract

/// The latest features of keys from several views, in one batch.
struct OnlineAnswer {
  let batch: RecordBatch

  /// Reads all views in one pass.
  ///
  /// - Throws: `invalidArgument` for no feature; `notFound` for unknown names; `invalidInput` for
  ///   two columns of one name.
  init(
    _ store: FeatureStore, _ keys: RecordBatch, _ query: OnlineQuery
  ) throws(LarderError) {
    let answer = try store.onlineFeatures(for: keys, asked: query.standing)
    // The caller has the keys.
    var fields = Array(answer.rows.schema.fields.dropFirst(keys.columns.count))
    var columns = Array(answer.rows.columns.dropFirst(keys.columns.count))
    for view in answer.views {
      fields.append(ColumnField("\(view.name)__event_timestamp", view.eventTimes.type))
      columns.append(view.eventTimes)
      fields.append(ColumnField("\(view.name)__status", .string))
      columns.append(OnlineAnswer.statuses(view.statuses))
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
