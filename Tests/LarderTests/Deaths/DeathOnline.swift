/// What the online table of the view `stats` must serve: a plain model.
///
/// For each driver it holds what may be there: after a death in a materialization that is more than
/// one thing.
struct DeathOnline: Hashable, Sendable {
  /// What history gave and what was written directly.
  struct Entry: Hashable, Sendable {
    var history: DeathRow?
    var direct: DeathRow?

    /// What is served: the direct write unless history is later.
    var served: DeathRow? {
      guard let direct else { return history }
      guard let history else { return direct }
      return direct.event >= history.event ? direct : history
    }
  }

  /// Whether nothing is known of the table but that it shows nobody another's values.
  var isUnknown = false
  private(set) var entries: [String: Set<Entry>] = [:]
  /// How far it may have been materialized; nil for not yet.
  private var throughs: Set<Int?> = [nil]

  /// What a driver may show.
  func served(_ driver: String) -> Set<DeathRow?> {
    guard let entries = entries[driver] else { return [nil] }
    return Set(entries.map(\.served))
  }

  /// The drivers that the table may know.
  var drivers: Set<String> { Set(entries.keys) }

  mutating func put(_ row: DeathRow) {
    let before = entries[row.driver] ?? [Entry()]
    entries[row.driver] = Set(
      before.map { entry in
        var entry = entry
        if (entry.served?.event ?? .min) <= row.event { entry.direct = row }
        return entry
      })
  }

  /// History's answers take the place of what was brought over before, unless that went further.
  mutating func materialize(_ answers: [String: DeathRow], through: Int) {
    let mayPass = throughs.contains { ($0 ?? .min) <= through }
    let mayStay = throughs.contains { ($0 ?? .min) > through }
    throughs = Set(throughs.map { max($0 ?? .min, through) })
    guard mayPass else { return }
    for driver in Set(entries.keys).union(answers.keys) {
      let before = entries[driver] ?? [Entry()]
      let after = Set(
        before.map { entry in
          var entry = entry
          entry.history = answers[driver]
          if let direct = entry.direct, direct.event < entry.history?.event ?? .min {
            entry.direct = nil
          }
          return entry
        })
      entries[driver] = mayStay ? after.union(before) : after
    }
    isUnknown = false
  }

  mutating func erase(_ driver: String) { entries[driver] = nil }

  mutating func drop() {
    entries = [:]
    throughs = [nil]
    isUnknown = true
  }

  /// What may be there if only some drivers had their turn.
  func mixed(with other: DeathOnline) -> DeathOnline {
    var mixed = self
    mixed.throughs.formUnion(other.throughs)
    for driver in drivers.union(other.drivers) {
      mixed.entries[driver] =
        (entries[driver] ?? [Entry()]).union(other.entries[driver] ?? [Entry()])
    }
    return mixed
  }
}
