import LarderColumns
import LarderContract

extension CatalogChange {
  /// Makes a view, or brings the one of that name up to a definition.
  mutating func applyView(_ definition: FeatureView) throws(LarderError) {
    var definition = definition
    for index in definition.entities.indices {
      let name = definition.entities[index].name
      if let known = catalog.entities.first(where: { $0.name == name }) {
        definition.entities[index] = known
      }
    }
    guard let index = catalog.views.firstIndex(where: { $0.name == definition.name }) else {
      try addView(definition)
      return
    }
    let old = catalog.views[index]
    try checkUnchangeable(old.definition, definition)
    let count = changes.count
    var view = old
    try applyFeatures(definition, to: &view)
    view.definition = definition
    view.definition.features = definition.features.map { CatalogChange.settled($0) }
    let attributes = changedAttributes(old.definition, view.definition)
    if !attributes.isEmpty {
      changes.append(DefinitionChange(.changedView, view.name, detail: attributes))
    } else if changes.count == count && view != old {
      // Only the copies of entities inside the definition differ; the entity's change says it.
      view.definition.entities = definition.entities
    }
    catalog.views[index] = view
  }

  /// A feature as it is stored: the rename it asked for is done.
  static func settled(_ field: Field) -> Field {
    var field = field
    field.formerly = nil
    return field
  }

  private mutating func addView(_ definition: FeatureView) throws(LarderError) {
    let (next, overflow) = catalog.nextView.addingReportingOverflow(1)
    guard !overflow else {
      throw LarderError(.limitExceeded, "The store has had 2^64 views; no more can be made.")
    }
    var stored = definition
    stored.features = definition.features.map { CatalogChange.settled($0) }
    let fields = stored.features.enumerated().map { offset, field in
      Catalog.StoredField(id: UInt32(offset) + 1, name: field.name, type: field.type)
    }
    catalog.views.append(
      Catalog.View(
        id: catalog.nextView, definition: stored, keySet: keySet(of: definition), fields: fields,
        retired: [], nextField: UInt32(fields.count) + 1))
    catalog.nextView = next
    changes.append(
      DefinitionChange(.addedView, definition.name, detail: "\(fields.count) features"))
  }

  private mutating func keySet(of definition: FeatureView) -> UInt64 {
    let keys = definition.joinKeys
    if let set = catalog.keySets.first(where: { $0.keys == keys }) { return set.id }
    let id = (catalog.keySets.last?.id ?? 0) + 1
    catalog.keySets.append(Catalog.KeySet(id: id, keys: keys))
    return id
  }

  private func checkUnchangeable(
    _ old: FeatureView, _ new: FeatureView
  ) throws(LarderError) {
    func refuse(_ what: String, _ from: String, _ to: String) throws(LarderError) {
      guard from != to else { return }
      throw LarderError(
        .incompatibleDefinition,
        "The \(what) of the view \"\(old.name)\" cannot change from \(from) to \(to): its history "
          + "is stored by it. Make a new view, or drop this one first.")
    }
    try refuse("join keys", describe(old.joinKeys), describe(new.joinKeys))
    try refuse("event time column", old.eventTimestamp, new.eventTimestamp)
    try refuse(
      "created time column", old.createdTimestamp ?? "none", new.createdTimestamp ?? "none")
    try refuse("time unit", old.timeUnit.description, new.timeUnit.description)
  }

  private func changedAttributes(_ old: FeatureView, _ new: FeatureView) -> String {
    var parts: [String] = []
    if old.timeToLive != new.timeToLive {
      parts.append(
        "time to live \(old.timeToLive.map { "\($0)" } ?? "none") -> "
          + (new.timeToLive.map { "\($0)" } ?? "none"))
    }
    if old.partition != new.partition {
      parts.append("partition \(old.partition.rawValue) -> \(new.partition.rawValue)")
    }
    if Set(old.entities.map(\.name)) != Set(new.entities.map(\.name)) {
      parts.append("entities")
    }
    if old.description != new.description { parts.append("description") }
    if old.tags != new.tags { parts.append("tags") }
    let shared = Set(old.features.map(\.name)).intersection(new.features.map(\.name))
    if old.features.map(\.name).filter(shared.contains)
      != new.features.map(\.name).filter(shared.contains)
    {
      parts.append("order of features")
    }
    return parts.joined(separator: ", ")
  }

  private mutating func applyFeatures(
    _ definition: FeatureView, to view: inout Catalog.View
  ) throws(LarderError) {
    var unmatched = view.fields
    var fields: [Catalog.StoredField] = []
    let names = Set(definition.features.map(\.name))
    for field in definition.features {
      let found =
        unmatched.firstIndex { $0.name == field.name }
        ?? field.formerly.flatMap { former in
          names.contains(former) ? nil : unmatched.firstIndex { $0.name == former }
        }
      guard let found else {
        fields.append(
          Catalog.StoredField(id: view.nextField, name: field.name, type: field.type))
        view.nextField += 1
        changes.append(
          DefinitionChange(
            .addedFeature, view.name, feature: field.name, detail: field.type.description))
        continue
      }
      var stored = unmatched.remove(at: found)
      try bring(&stored, to: field, of: view)
      fields.append(stored)
    }
    for field in unmatched {
      guard dropping else {
        throw LarderError(
          .incompatibleDefinition,
          "The definition of the view \"\(view.name)\" no longer has this feature. Name it in "
            + "\"formerly\" of the feature it became, or ask for dropping.", column: field.name)
      }
      changes.append(DefinitionChange(.droppedFeature, view.name, feature: field.name))
    }
    view.retired += unmatched
    view.fields = fields
  }

  private mutating func bring(
    _ stored: inout Catalog.StoredField, to field: Field, of view: Catalog.View
  ) throws(LarderError) {
    if stored.type != field.type {
      guard Catalog.isWidening(from: stored.type, to: field.type) else {
        throw LarderError(
          .incompatibleDefinition,
          "The type of this feature of \"\(view.name)\" cannot change from \(stored.type) to "
            + "\(field.type); only int32 to int64 and float32 to float64 are possible. Add a new "
            + "feature.", column: field.name)
      }
      changes.append(
        DefinitionChange(
          .widenedFeature, view.name, feature: field.name,
          detail: "\(stored.type) -> \(field.type)"))
      stored.type = field.type
    }
    if stored.name != field.name {
      changes.append(
        DefinitionChange(
          .renamedFeature, view.name, feature: field.name, detail: "formerly \(stored.name)"))
      stored.formerNames.append(stored.name)
      stored.name = field.name
    }
    let before = view.definition.features.first { $0.name == field.name }
    if let before, before.description != field.description || before.tags != field.tags {
      changes.append(DefinitionChange(.changedFeature, view.name, feature: field.name))
    }
  }
}
