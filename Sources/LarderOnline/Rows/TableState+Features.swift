import LarderColumns
import LarderContract

/// The schemas by which rows of a definition are written.
struct RowSchemas: Hashable, Sendable {
  /// The definition's features.
  var narrow: RowSchema
  /// These and all others that rows of the table may have.
  ///
  /// For a row that keeps some of them. A feature that a rollback takes away may come back by another,
  /// and a writer whose definition is from before a feature was added must not lose it.
  var wide: RowSchema
}

extension TableState {
  /// Takes over a view's features.
  ///
  /// - Returns: the schemas of its rows, and whether anything changed.
  /// - Throws: `incompatibleDefinition` for a feature that the catalog does not have;
  ///   `limitExceeded` after 65,535 changes of a table.
  mutating func adopt(
    _ view: ResolvedView
  ) throws(LarderError) -> (schemas: RowSchemas, isChanged: Bool) {
    let before = self
    self.view = view.name
    isOutdated = false
    guard let ids = view.featureIDs else {
      guard naming == .names else {
        throw LarderError(
          .incompatibleDefinition,
          "The online table of \"\(view.name)\" knows features by the ids of a store's catalog; "
            + "open it through the store.")
      }
      let schema = try adoptByName(view.definition)
      return (RowSchemas(narrow: schema, wide: schema), hasChanged(since: before))
    }
    if naming == .names { renumber(view, ids) }
    var fields: [RowField] = []
    for (field, id) in zip(view.definition.features, ids) {
      guard let id else {
        throw LarderError(
          .incompatibleDefinition,
          "The store's view \"\(view.name)\" has no such feature; apply the definition first.",
          column: field.name)
      }
      fields.append(RowField(id: id, name: field.name, type: widest(field.type, ofFeature: id)))
    }
    let narrow = try schema(of: fields)
    var others: [RowField] = []
    let known = Set(fields.map(\.id))
    for field in schemas.reversed().flatMap(\.fields)
    where field.isKnown && !known.contains(field.id)
      && !others.contains(where: { $0.id == field.id })
    {
      others.append(
        RowField(id: field.id, name: field.name, type: widest(field.type, ofFeature: field.id)))
    }
    let wide =
      others.isEmpty ? narrow : try schema(of: fields + others.sorted { $0.id < $1.id })
    // A writer of an older definition leaves the table as it is.
    if schemas.count > before.schemas.count || before.schema(currentID) == nil {
      currentID = narrow.id
    }
    return (RowSchemas(narrow: narrow, wide: wide), hasChanged(since: before))
  }

  private func hasChanged(since before: TableState) -> Bool {
    before.isOutdated || schemas != before.schemas || currentID != before.currentID
      || naming != before.naming || nextField != before.nextField
  }

  /// The schema of some features, which may be there already.
  private mutating func schema(of fields: [RowField]) throws(LarderError) -> RowSchema {
    let same = schemas.first {
      $0.fields.count == fields.count
        && zip($0.fields, fields).allSatisfy { $0.id == $1.id && $0.type == $1.type }
    }
    // Under the names of now, whatever they were when the table took them over.
    if let same { return RowSchema(id: same.id, fields: fields) }
    let last = schemas.last?.id ?? 0
    guard last != .max else {
      throw LarderError(
        .limitExceeded,
        "The features of this online table were changed 65,535 times; drop the table and "
          + "materialize the view again.")
    }
    let schema = RowSchema(id: last + 1, fields: fields)
    schemas.append(schema)
    return schema
  }

  /// The widest type that a feature ever had here: what a rollback narrows may be widened again.
  private func widest(_ type: DataType, ofFeature id: UInt32) -> DataType {
    var widest = type
    for schema in schemas {
      guard let field = schema.fields.first(where: { $0.id == id }) else { continue }
      if field.type.accepts(widest) { widest = field.type }
    }
    return widest
  }

  /// Takes over features by name: one goes on under its id if it kept its name, or was renamed, and
  /// kept its type or was widened.
  private mutating func adoptByName(_ view: FeatureView) throws(LarderError) -> RowSchema {
    var taken: Set<UInt32> = []
    var fields: [RowField] = []
    let resolved = ResolvedView(view, table: 0)
    let named = ids(of: view.features, in: resolved)
    for (field, id) in zip(view.features, named) {
      if let id, taken.insert(id).inserted {
        fields.append(RowField(id: id, name: field.name, type: field.type))
      } else {
        fields.append(RowField(id: nextField, name: field.name, type: field.type))
        nextField += 1
      }
    }
    if current.fields == fields { return current }
    let last = schemas.last?.id ?? 0
    guard last != .max else {
      throw LarderError(
        .limitExceeded,
        "The features of this online table were changed 65,535 times; drop the table and "
          + "materialize the view again.")
    }
    let schema = RowSchema(id: last + 1, fields: fields)
    schemas.append(schema)
    currentID = schema.id
    return schema
  }

  /// From the table's own ids to the catalog's.
  ///
  /// A name means a feature if no other ever had it; other features' values are not found any more:
  /// whose they are nobody knows. History's come back with the next materialization.
  private mutating func renumber(_ view: ResolvedView, _ ids: [UInt32?]) {
    var new: [UInt32: UInt32] = [:]
    for field in current.fields {
      for (position, names) in view.ownNames.enumerated() where names.contains(field.name) {
        let own = view.definition.features[position].type
        guard own.accepts(field.type) || field.type.accepts(own) else { continue }
        if let id = ids[position] { new[field.id] = id }
      }
    }
    schemas = schemas.map { schema in
      RowSchema(
        id: schema.id,
        fields: schema.fields.map { field in
          var field = field
          field.id = new[field.id] ?? RowField.formerIDs | field.id
          return field
        })
    }
    naming = .catalog
  }
}
