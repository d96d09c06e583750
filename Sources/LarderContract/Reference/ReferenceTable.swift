import LarderColumns

/// The latest rows of one view.
struct ReferenceTable: Sendable {
  /// What is known of a key.
  struct Row: Sendable {
    var event: Int64
    var created: Int64?
    /// The features by name; nil if the key was deleted.
    var values: [String: Value]?
  }
  /// A row to be written; without values it is a deletion.
  struct Write: Sendable {
    var key: [Value]
    var event: Int64
    var created: Int64?
    var values: [String: Value]?
  }

  var rows: [[Value]: Row] = [:]
  var watermark: OnlineWatermark?
  private var features: [Field] = []

  /// Follows a view's definition: renamed features take their values along, those that are gone or
  /// changed their type lose them, and numbers that were widened keep theirs.
  mutating func adopt(_ view: FeatureView) {
    if features == view.features { return }
    var sources: [(name: String, from: String, type: DataType)] = []
    for field in view.features {
      let former = features.earlier(of: field)
      if let former { sources.append((field.name, former.name, field.type)) }
    }
    for (key, row) in rows {
      guard let values = row.values else { continue }
      var kept: [String: Value] = [:]
      for source in sources {
        guard let value = values[source.from] else { continue }
        switch (source.type, value) {
        case (.int64, .int32(let x)): kept[source.name] = .int64(Int64(x))
        case (.float64, .float32(let x)): kept[source.name] = .float64(Double(x))
        default: kept[source.name] = value
        }
      }
      rows[key]?.values = kept
    }
    features = view.features
  }

  /// Applies the winning rule to one row.
  ///
  /// - Returns: whether it won.
  @discardableResult
  mutating func write(_ write: Write, view: FeatureView, now: Timestamp) -> Bool {
    var values = write.values
    if let stored = rows[write.key] {
      if wins(stored, over: write) { return false }
      if values != nil, let old = stored.values, !view.isExpired(event: stored.event, at: now) {
        values?.merge(old) { new, _ in new }
      }
    }
    rows[write.key] = Row(event: write.event, created: write.created, values: values)
    return true
  }

  /// Whether a stored row stays: of equals, the later write wins.
  private func wins(_ stored: Row, over write: Write) -> Bool {
    if stored.event != write.event { return stored.event > write.event }
    switch (stored.created, write.created) {
    case (nil, _): return false
    case (_, nil): return true
    case (let old?, let new?): return old > new
    }
  }

  /// Drops what is past the time to live.
  mutating func compact(view: FeatureView, now: Timestamp) {
    let horizon = watermark.map { min($0.through, now) } ?? now
    for (key, row) in rows where view.isExpired(event: row.event, at: horizon) {
      if row.values == nil { rows[key] = nil } else { rows[key]?.values = [:] }
    }
  }
}

extension [Field] {
  /// The feature of an earlier definition whose values a feature of a later one goes on with.
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
