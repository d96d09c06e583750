import LarderColumns
import LarderContract

/// What a store must show: a plain model.
struct DeathWorld: Hashable, Sendable {
  /// A view's definition and rows.
  struct View: Hashable, Sendable {
    var features: [DeathFeature]
    /// Whether `extra` has 64 bits by now.
    var isWide = false
    /// How often `extra` was defined.
    var rows: [DeathRow] = []
  }

  /// What was found at a commit that a rollback goes back to.
  struct Past: Hashable, Sendable {
    var views: [Int: View]
  }

  /// The views there are, by number.
  var views: [Int: View] = [:]
  var tags: Set<String> = []
  /// The state of the tag "kept".
  var kept: Past?
  var online = DeathOnline()
  /// Drivers of whom nothing may be shown.
  var erased: Set<String> = []

  /// Nothing of a driver is shown any more, in no state.
  mutating func erase(_ driver: String) {
    for view in views.keys { views[view]?.rows.removeAll { $0.driver == driver } }
    for view in kept?.views.keys ?? [:].keys {
      kept?.views[view]?.rows.removeAll { $0.driver == driver }
    }
    online.erase(driver)
    erased.insert(driver)
  }

  /// The rows of a view that answer at a time, one for each key.
  static func latest(_ rows: [DeathRow], at time: Int) -> [String: DeathRow] {
    var found: [String: DeathRow] = [:]
    for row in rows where row.event <= time {
      let key = "\(row.driver)/\(row.shop)"
      if let other = found[key], (other.event, other.uid) > (row.event, row.uid) { continue }
      found[key] = row
    }
    return found
  }
}

/// What a command makes of a model.
enum DeathEffect: Sendable {
  case applied(DeathWorld)
  /// It must be refused, with an error that says why.
  case refused
}
