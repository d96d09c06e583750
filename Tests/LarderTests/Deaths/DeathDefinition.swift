/// What a process takes to be the definition of `stats` when it applies a change of it.
struct DeathDefinition: Hashable, Sendable {
  var names: Set<String>
  var isWide: Bool

  init(_ view: DeathWorld.View) {
    names = Set(view.features.map(\.name))
    isWide = view.isWide
  }
}

extension DeathWorld.View {
  /// Takes a definition over.
  ///
  /// - Parameter dropping: whether features may go that it does not name.
  /// - Returns: false if that is refused; then nothing changed.
  mutating func adopt(_ definition: DeathDefinition, dropping: Bool) -> Bool {
    let known = Set(features.map(\.name))
    if !dropping, !definition.names.isSuperset(of: known) { return false }
    if isWide, !definition.isWide, known.contains("extra"), definition.names.contains("extra") {
      return false
    }
    features.removeAll { !definition.names.contains($0.name) }
    for feature in [DeathFeature.value, .label]
    where definition.names.contains(feature.name) && !known.contains(feature.name) {
      features.append(feature)
    }
    if definition.names.contains("more"), !known.contains("more") { features.append(.more) }
    if definition.names.contains("extra"), !known.contains("extra") {
      // A third life reads as the second: what earlier ones wrote is null in it.
      for index in rows.indices {
        rows[index].written &= ~(1 << UInt8(DeathFeature.extraAgain.rawValue))
      }
      features.append(.extraAgain)
    }
    isWide = definition.isWide && definition.names.contains("extra")
    return true
  }
}
