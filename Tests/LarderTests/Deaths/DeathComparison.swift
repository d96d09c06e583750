import LarderColumns

extension DeathWorld {
  /// Every driver that any world of a case may know.
  static let drivers: [String] =
    ["ada", "bob", "cyd", "dan", "fay", "gus", "hal", "anna", "abel", "bert", "bea"]
    + [DeathCommand.forgettable] + (0..<9).map { "eve\($0)" }

  /// The first thing that a store shows otherwise than this model; nil if there is none.
  func difference(_ seen: DeathObservation, checksTags: Bool) -> String? {
    guard Set(seen.features.keys) == Set(views.keys) else {
      return "catalog: views \(seen.features.keys.sorted()) instead of \(views.keys.sorted())"
    }
    for (number, view) in views.sorted(by: { $0.key < $1.key }) {
      if let found = view.difference(seen, number) { return found }
    }
    if checksTags {
      guard tags.union(["third"]) == seen.tags.union(["third"]) else {
        return "tags: \(seen.tags.sorted()) instead of \(tags.sorted())"
      }
      if let kept, let shown = seen.kept {
        let rows = kept.views[DeathView.stats.rawValue]?.rows ?? []
        let expected = rows.map { $0.seen([.value, .label]) }.sorted { $0.value < $1.value }
        if let found = Self.difference(shown, expected) { return "tagged: \(found)" }
      }
    }
    return views[DeathView.stats.rawValue] == nil ? nil : onlineDifference(seen)
  }

  fileprivate static func difference(_ seen: [SeenRow], _ expected: [SeenRow]) -> String? {
    if seen == expected { return nil }
    let missing = Set(expected).subtracting(seen)
    let surplus = Set(seen).subtracting(expected)
    if let wrong = surplus.first(where: { row in expected.contains { $0.value == row.value } }) {
      return "wrong row \(wrong)"
    }
    if missing.isEmpty, surplus.isEmpty { return "rows are there twice" }
    return
      "\(missing.count) rows missing \(missing.min { $0.value < $1.value }.map { "\($0)" } ?? ""),"
      + " \(surplus.count) surplus \(surplus.min { $0.value < $1.value }.map { "\($0)" } ?? "")"
  }

  private func onlineDifference(_ seen: DeathObservation) -> String? {
    for driver in Self.drivers {
      let sight = seen.online[driver] ?? nil
      if online.isUnknown {
        if let sight, !sight.label.isEmpty, !sight.label.hasPrefix("\(driver)@") {
          return "online: \(driver) shows \(sight)"
        }
        continue
      }
      let possible = online.served(driver).map { row in
        row.map { DeathObservation.OnlineSight(value: $0.uid, label: $0.label) }
      }
      if !possible.contains(sight) {
        let words = possible.map { $0.map { "\($0)" } ?? "nothing" }.sorted()
        return "online: \(driver) shows \(sight.map { "\($0)" } ?? "nothing"), not \(words)"
      }
    }
    return nil
  }
}

extension DeathWorld.View {
  fileprivate func difference(_ seen: DeathObservation, _ number: Int) -> String? {
    let name = DeathView(rawValue: number)?.name ?? "?"
    var types: [String: DataType] = [:]
    for feature in features {
      switch feature {
      case .value, .more: types[feature.name] = .int64
      case .label: types[feature.name] = .string
      case .extra, .extraAgain: types[feature.name] = isWide ? .int64 : .int32
      }
    }
    if seen.features[number] != types {
      return "catalog: \(name) has \(seen.features[number] ?? [:])"
    }
    let expected = rows.map { $0.seen(features) }.sorted { $0.value < $1.value }
    if let found = DeathWorld.difference(seen.rows[number] ?? [], expected) {
      return "rows of \(name): \(found)"
    }
    let latest = DeathWorld.latest(rows, at: 1_000)
    for (key, answer) in seen.answers[number] ?? [:] {
      var wanted = latest[key]?.seen(features)
      wanted?.event = 0
      if let wanted, wanted != answer { return "join of \(name): \(key) has \(answer)" }
      if wanted == nil, answer.value != -1 || !answer.label.isEmpty {
        return "join of \(name): \(key) has \(answer), and should have nothing"
      }
    }
    return nil
  }
}
