import LarderColumns

/// What a file says of a column beyond its type here, so that a copy of it can say the same.
package enum ColumnOrigin: Sendable, Hashable {
  /// Nothing: times are instants in UTC.
  case plain
  /// Times without a zone, which are taken for UTC.
  case noZone
  /// Times with the name of the zone in which people see them; the instants do not depend on it.
  case zone(String)

  /// The name of the zone that a copy's times get; nil for none.
  var zoneName: String? {
    switch self {
    case .plain: "UTC"
    case .noZone: nil
    case .zone(let name): name
    }
  }

  /// What a file says that names a zone, or none, for a column of a type.
  init(zone: String?, of type: DataType) {
    guard case .timestamp = type.element ?? type else {
      self = .plain
      return
    }
    guard let zone, !zone.isEmpty else {
      self = .noZone
      return
    }
    self = zone == "UTC" ? .plain : .zone(zone)
  }
}

extension [ColumnOrigin] {
  /// The origin at a position; `plain` where there is none.
  subscript(orPlain index: Int) -> ColumnOrigin { indices.contains(index) ? self[index] : .plain }
}
