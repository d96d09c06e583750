import LarderColumns

/// What one view's table knows of its keys: of each, history's answer and the merge of what was
/// written directly.
struct ReferenceTable: Sendable {
  /// A row that was written.
  struct Row: Sendable {
    var event: Int64
    var created: Int64?
    /// The features by name; nil for a deletion.
    var values: [String: Value]?

    /// Whether this row is greater than another.
    func isGreater(than other: Row) -> Bool {
      if event != other.event { return event > other.event }
      switch (created, other.created) {
      case (nil, _): return false
      case (_, nil): return true
      case (let mine?, let other?): return mine > other
      }
    }
  }

  /// What is known of a key.
  struct Entry: Sendable {
    /// History's answer.
    var history: Row?
    /// The direct writes, with the features that they wrote; never less than history.
    var direct: Row?

    /// The row that is served: its times, and whether it is there at all.
    var served: Row? { direct ?? history }
  }

  /// A row to be written; without values it is a deletion.
  struct Write: Sendable {
    var key: [Value]
    var row: Row
  }

  private(set) var entries: [[Value]: Entry] = [:]
  var watermark: OnlineWatermark?
  private var features: [Field] = []

  /// Keys with an answer of history.
  var historyKeys: [[Value]] { entries.filter { $0.value.history != nil }.map(\.key) }

  /// Follows a view's definition: renamed features take their values along, those that are gone or
  /// changed their type lose them, and numbers that were widened keep theirs.
  mutating func adopt(_ view: FeatureView) {
    if features == view.features { return }
    var sources: [(name: String, from: String, type: DataType)] = []
    for field in view.features {
      let former = features.earlier(of: field)
      if let former { sources.append((field.name, former.name, field.type)) }
    }
    func follow(_ row: inout Row?) {
      guard let values = row?.values else { return }
      var kept: [String: Value] = [:]
      for source in sources {
        guard let value = values[source.from] else { continue }
        switch (source.type, value) {
        case (.int64, .int32(let x)): kept[source.name] = .int64(Int64(x))
        case (.float64, .float32(let x)): kept[source.name] = .float64(Double(x))
        default: kept[source.name] = value
        }
      }
      row?.values = kept
    }
    for key in entries.keys {
      follow(&entries[key, default: Entry()].history)
      follow(&entries[key, default: Entry()].direct)
    }
    features = view.features
  }

  // MARK: Direct writes

  /// Merges one row into the direct writes of its key.
  ///
  /// - Returns: whether it won.
  @discardableResult
  mutating func write(_ write: Write, view: FeatureView, now: Timestamp) -> Bool {
    var entry = entries[write.key] ?? Entry()
    if let served = entry.served, served.isGreater(than: write.row) { return false }
    var row = write.row
    if let old = entry.direct, row.values != nil {
      let isExpired = view.isExpired(event: old.event, at: now)
      // After a deletion the other features are null, not history's.
      let nulls = Dictionary(uniqueKeysWithValues: view.features.map { ($0.name, Value.null) })
      let before = old.values ?? nulls
      // Of what is past the time to live only that it was written is kept.
      row.values?.merge(before.mapValues { isExpired ? .null : $0 }) { new, _ in new }
    }
    entry.direct = row
    entries[write.key] = entry
    return true
  }

  // MARK: History

  /// Takes a row that history gained.
  mutating func add(_ write: Write) -> Bool {
    let entry = entries[write.key]
    if let history = entry?.history, history.isGreater(than: write.row) { return false }
    replace(write.key, with: write.row)
    return true
  }

  /// Makes a row, or nothing, history's answer.
  mutating func replace(_ key: [Value], with row: Row?) {
    var entry = entries[key] ?? Entry()
    entry.history = row
    // A direct write that history overtook is gone.
    if let row, let direct = entry.direct, row.isGreater(than: direct) { entry.direct = nil }
    entries[key] = entry.served == nil ? nil : entry
  }

  // MARK: Answers

  /// What a key's row says of a feature.
  ///
  /// - Parameters:
  ///   - at: the time at which the time to live is judged.
  ///   - includeExpired: whether what is past it is told.
  func value(
    _ name: String, of entry: Entry, view: FeatureView, at: Timestamp, includeExpired: Bool
  ) -> Value {
    if let direct = entry.direct {
      guard let values = direct.values else { return .null }
      if !includeExpired, view.isExpired(event: direct.event, at: at) { return .null }
      if let value = values[name] { return value }
    }
    guard let history = entry.history, let values = history.values else { return .null }
    if !includeExpired, view.isExpired(event: history.event, at: at) { return .null }
    return values[name] ?? .null
  }

  /// Drops what is past the time to live.
  mutating func compact(view: FeatureView, now: Timestamp) {
    let horizon = watermark.map { min($0.through, now) } ?? now
    for (key, entry) in entries {
      guard let served = entry.served, view.isExpired(event: served.event, at: horizon) else {
        continue
      }
      if served.values == nil {
        entries[key] = nil
      } else {
        entries[key]?.direct?.values = entry.direct?.values?.mapValues { _ in .null }
        entries[key]?.history?.values = [:]
      }
    }
  }
}

extension [Field] {
  /// The feature of an earlier definition whose values a feature of a later one continues with.
  package func earlier(of field: Field) -> Field? {
    let same = first { $0.name == field.name }
    let former = field.formerly.flatMap { name in first { $0.name == name } }
    guard let found = same ?? former, field.type.accepts(found.type) else { return nil }
    return found
  }
}

extension FeatureView {
  /// Whether a row of an event time is past the time to live at an instant.
  package func isExpired(event: Int64, at instant: Timestamp) -> Bool {
    guard let timeToLive = timeToLiveNanoseconds else { return false }
    let event = Timestamp(ticks: event, unit: timeUnit)
    return instant.exactNanoseconds - event.exactNanoseconds > timeToLive
  }

  /// The features of some names, in their order; all of the view's for nil.
  ///
  /// - Throws: `notFound` for a name that the view does not have.
  package func fields(named names: [String]?) throws(LarderError) -> [Field] {
    guard let names else { return features }
    var fields: [Field] = []
    for name in names {
      guard let field = features.first(where: { $0.name == name }) else {
        throw LarderError(
          .notFound,
          "The view \"\(self.name)\" has no such feature. "
            + suggestion(for: name, among: features.map(\.name)), column: name)
      }
      fields.append(field)
    }
    return fields
  }
}

extension LarderError {
  /// The error for a view whose table was never made or was dropped.
  package static func noOnlineTable(_ view: FeatureView) -> LarderError {
    LarderError(
      .notFound,
      "The view \"\(view.name)\" has no online table; update(keeping:) makes one.")
  }
}
