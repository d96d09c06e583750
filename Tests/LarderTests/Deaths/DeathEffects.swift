extension DeathCommand {
  /// Whether it writes a definition that it has read before.
  var isDefinition: Bool {
    [.applyAdd, .applyWiden, .dropFeature, .returnFeature].contains(self)
  }

  /// Whether what it writes depends on a definition that it has read before.
  var readsDefinition: Bool {
    isDefinition || [.append, .feed, .replace, .put].contains(self)
  }

  /// Whether it commits nothing to history, so that an unsettled record may come after it.
  var leavesHistory: Bool { [.put, .materialize, .backup].contains(self) }

  /// What the command makes of a store, if it is done whole.
  ///
  /// - Parameter reading: the state in which it read the definition that it writes; nil for this.
  func effect(
    _ role: DeathRole, on world: DeathWorld, reading: DeathWorld? = nil
  ) -> DeathEffect {
    var world = world
    let stats = DeathView.stats.rawValue
    switch self {
    case .compact, .append, .feed, .replace, .put, .materialize, .expire, .drop:
      guard world.views[stats] != nil else { return .refused }
    default: break
    }
    // Rows have the features that were there when their process looked, by the names of now.
    let known = Set((reading ?? world).views[stats]?.features.map(\.name) ?? [])
    let there = world.views[stats]?.features ?? []
    let features = there.filter { known.contains($0.name) }
    if readsDefinition, !isDefinition, !known.isSubset(of: there.map(\.name)) { return .refused }
    switch self {
    case .append: world.views[stats]?.rows += rows(role, features)
    case .replace:
      world.views[stats]?.rows.removeAll { Self.replacedRange.contains($0.event) }
      world.views[stats]?.rows += rows(role, features)
    case .feed:
      world.views[stats]?.rows += rows(role, features)
      return Self.materialize.effect(role, on: world)
    case .put: for row in rows(role, features) { world.online.put(row) }
    case .materialize:
      let answers = DeathWorld.latest(world.views[stats]?.rows ?? [], at: Self.through(role))
      world.online.materialize(
        Dictionary(uniqueKeysWithValues: answers.values.map { ($0.driver, $0) }),
        through: Self.through(role))
    case .expire:
      guard let newest = world.views[stats]?.rows.map(\.event).max() else { break }
      world.views[stats]?.rows.removeAll { $0.event < newest - Self.expiry }
    case .forget: world.erase(Self.forgettable)
    case .rollback:
      guard let kept = world.kept else { return .refused }
      if world.views[stats] == nil, kept.views[stats] != nil { world.online.drop() }
      world.views = kept.views
    case .applyAdd, .applyWiden, .dropFeature, .returnFeature:
      guard let read = (reading ?? world).views[stats] else { return .refused }
      var definition = DeathDefinition(read)
      switch self {
      case .applyAdd: definition.names.insert("more")
      case .applyWiden: definition.isWide = definition.names.contains("extra")
      default: definition.names.remove("extra")
      }
      if world.views[stats] == nil {
        // Dropped since it was read: the definition makes a view that is new.
        world.views[stats] = DeathWorld.View(features: [])
        world.online = DeathOnline()
      }
      let drops = self == .dropFeature || self == .returnFeature
      guard world.views[stats]?.adopt(definition, dropping: drops) == true else {
        return .refused
      }
      if self == .returnFeature {
        definition.names.insert("extra")
        definition.isWide = false
        _ = world.views[stats]?.adopt(definition, dropping: false)
      }
    case .drop:
      world.views[stats] = nil
      world.online.drop()
    case .tag: world.tags.insert("by\(role.rawValue)")
    case .compact, .cold, .fold, .forgetNobody, .vacuum, .backup, .repair: break
    }
    return .applied(world)
  }

  /// The states that a death in the midst of it may leave, beside the one before.
  ///
  /// - Parameter reading: as of `effect`.
  func leftovers(
    _ role: DeathRole, of world: DeathWorld, reading: DeathWorld? = nil
  ) -> [DeathWorld] {
    guard case .applied(let after) = effect(role, on: world, reading: reading) else { return [] }
    switch self {
    case .materialize, .feed:
      var between = after
      between.online = world.online.mixed(with: after.online)
      return [between]
    case .returnFeature:
      guard case .applied(let dropped) = Self.dropFeature.effect(role, on: world, reading: reading)
      else {
        return [after]
      }
      return [dropped, after]
    default: return after == world ? [] : [after]
    }
  }
}
