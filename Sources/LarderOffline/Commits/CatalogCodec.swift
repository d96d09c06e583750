import LarderColumns
import LarderContract
import LarderEncodings

/// The bytes of a catalog within records.
enum CatalogCodec {
  static func encode(_ catalog: Catalog, into writer: inout RecordWriter) {
    writer.writeStructure { encode(fieldsOf: catalog, into: &$0) }
  }

  private static func encode(fieldsOf catalog: Catalog, into writer: inout RecordWriter) {
    writer.write(catalog.nextView)
    writer.write(UInt32(catalog.entities.count))
    for entity in catalog.entities { encode(entity, into: &writer) }
    writer.write(UInt32(catalog.keySets.count))
    for set in catalog.keySets {
      writer.writeStructure { writer in
        writer.write(set.id)
        encode(set.keys, into: &writer)
      }
    }
    writer.write(UInt32(catalog.views.count))
    for view in catalog.views { encode(view, into: &writer) }
    writer.write(UInt32(catalog.services.count))
    for service in catalog.services { encode(service, into: &writer) }
    writer.write(UInt32(catalog.droppedViews.count))
    for (view, nextField) in catalog.droppedViews.sorted(by: { $0.key < $1.key }) {
      writer.write(view)
      writer.write(nextField)
    }
  }

  static func decode(_ reader: inout RecordReader) throws(LarderError) -> Catalog {
    try reader.readStructure("catalog") { (reader) throws(LarderError) in
      try decodeFields(&reader)
    }
  }

  private static func decodeFields(_ reader: inout RecordReader) throws(LarderError) -> Catalog {
    var catalog = Catalog()
    catalog.nextView = try reader.read(UInt64.self)
    for _ in 0..<(try reader.readCount("entities", each: 12)) {
      catalog.entities.append(try decodeEntity(&reader))
    }
    for _ in 0..<(try reader.readCount("key sets", each: 12)) {
      catalog.keySets.append(
        try reader.readStructure("key set") { (reader) throws(LarderError) in
          Catalog.KeySet(id: try reader.read(UInt64.self), keys: try decodeKeys(&reader))
        })
    }
    for _ in 0..<(try reader.readCount("views", each: 32)) {
      let view = try decodeView(&reader)
      guard catalog.keySet(id: view.keySet) != nil, view.id < catalog.nextView,
        catalog.view(id: view.id) == nil, catalog.view(named: view.name) == nil
      else { throw reader.failure("The view \"\(view.name)\" contradicts the catalog.") }
      catalog.views.append(view)
    }
    for _ in 0..<(try reader.readCount("services", each: 12)) {
      catalog.services.append(try decodeService(&reader))
    }
    if reader.version == 1 { return catalog }
    for _ in 0..<(try reader.readCount("dropped views", each: 12)) {
      catalog.droppedViews[try reader.read(UInt64.self)] = try reader.read(UInt32.self)
    }
    return catalog
  }

  // MARK: Entities and keys

  private static func encode(_ entity: Entity, into writer: inout RecordWriter) {
    writer.writeStructure { writer in
      writer.write(text: entity.name)
      encode(entity.joinKeys, into: &writer)
      writer.write(text: entity.description)
      encode(entity.tags, into: &writer)
    }
  }

  private static func decodeEntity(_ reader: inout RecordReader) throws(LarderError) -> Entity {
    try reader.readStructure("entity") { (reader) throws(LarderError) in
      Entity(
        try reader.readText(), joinKeys: try decodeKeys(&reader),
        description: try reader.readText(), tags: try decodeTags(&reader))
    }
  }

  private static func encode(_ keys: [JoinKey], into writer: inout RecordWriter) {
    writer.write(UInt32(keys.count))
    for key in keys {
      writer.write(text: key.name)
      writer.write(number(of: key.type))
    }
  }

  private static func decodeKeys(_ reader: inout RecordReader) throws(LarderError) -> [JoinKey] {
    var keys: [JoinKey] = []
    for _ in 0..<(try reader.readCount("join keys", each: 3)) {
      let name = try reader.readText()
      let number = try reader.read(UInt8.self)
      guard let type = JoinKeyType.allCases.first(where: { Self.number(of: $0) == number }) else {
        throw reader.failure("The join key \"\(name)\" has the unknown type \(number).")
      }
      keys.append(JoinKey(name, type))
    }
    return keys
  }

  private static func number(of type: JoinKeyType) -> UInt8 {
    switch type {
    case .string: 1
    case .int32: 2
    case .int64: 3
    case .bytes: 4
    case .timestamp: 5
    }
  }

  private static func encode(_ tags: [String: String], into writer: inout RecordWriter) {
    writer.write(UInt32(tags.count))
    for (key, value) in tags.sorted(by: { utf8Order($0.key, $1.key) }) {
      writer.write(text: key)
      writer.write(text: value)
    }
  }

  private static func decodeTags(
    _ reader: inout RecordReader
  ) throws(LarderError) -> [String: String] {
    var tags: [String: String] = [:]
    for _ in 0..<(try reader.readCount("tags", each: 4)) {
      tags[try reader.readText()] = try reader.readText()
    }
    return tags
  }

  // MARK: Views

  private static func encode(_ view: Catalog.View, into writer: inout RecordWriter) {
    writer.writeStructure { encode(fieldsOf: view, into: &$0) }
  }

  private static func encode(fieldsOf view: Catalog.View, into writer: inout RecordWriter) {
    let definition = view.definition
    writer.write(view.id)
    writer.write(view.keySet)
    writer.write(view.nextField)
    writer.write(text: definition.name)
    writer.write(UInt32(definition.entities.count))
    for entity in definition.entities { encode(entity, into: &writer) }
    let life = definition.timeToLive?.components
    writer.write(UInt8(life == nil ? 0 : 1))
    writer.write(life?.seconds ?? 0)
    writer.write(life?.attoseconds ?? 0)
    writer.write(text: definition.eventTimestamp)
    writer.write(UInt8(definition.createdTimestamp == nil ? 0 : 1))
    writer.write(text: definition.createdTimestamp ?? "")
    writer.write(definition.timeUnit.rawValue)
    writer.write(text: definition.partition.rawValue)
    writer.write(text: definition.description)
    encode(definition.tags, into: &writer)
    writer.write(UInt32(view.fields.count))
    for (stored, field) in zip(view.fields, definition.features) {
      encode(stored, into: &writer)
      writer.write(text: field.description)
      encode(field.tags, into: &writer)
    }
    writer.write(UInt32(view.retired.count))
    for stored in view.retired { encode(stored, into: &writer) }
  }

  private static func decodeView(_ reader: inout RecordReader) throws(LarderError) -> Catalog.View {
    try reader.readStructure("view") { (reader) throws(LarderError) in
      try decodeViewFields(&reader)
    }
  }

  private static func decodeViewFields(
    _ reader: inout RecordReader
  ) throws(LarderError) -> Catalog.View {
    let id = try reader.read(UInt64.self)
    let keySet = try reader.read(UInt64.self)
    let nextField = try reader.read(UInt32.self)
    var definition = FeatureView(try reader.readText(), entities: [], features: [])
    for _ in 0..<(try reader.readCount("entities", each: 12)) {
      definition.entities.append(try decodeEntity(&reader))
    }
    let hasLife = try reader.read(UInt8.self) != 0
    let seconds = try reader.read(Int64.self)
    let attoseconds = try reader.read(Int64.self)
    if hasLife {
      definition.timeToLive = Duration(
        secondsComponent: seconds, attosecondsComponent: attoseconds)
    }
    definition.eventTimestamp = try reader.readText()
    let hasCreated = try reader.read(UInt8.self) != 0
    let created = try reader.readText()
    definition.createdTimestamp = hasCreated ? created : nil
    guard let unit = TimeUnit(rawValue: try reader.read(UInt8.self)),
      let partition = PartitionWidth(rawValue: try reader.readText())
    else { throw reader.failure("The view has an unknown time unit or partition width.") }
    definition.timeUnit = unit
    definition.partition = partition
    definition.description = try reader.readText()
    definition.tags = try decodeTags(&reader)
    var fields: [Catalog.StoredField] = []
    for _ in 0..<(try reader.readCount("features", each: 12)) {
      let stored = try decodeField(&reader)
      fields.append(stored)
      definition.features.append(
        Field(
          stored.name, stored.type, description: try reader.readText(),
          tags: try decodeTags(&reader)))
    }
    var retired: [Catalog.StoredField] = []
    for _ in 0..<(try reader.readCount("retired features", each: 8)) {
      retired.append(try decodeField(&reader))
    }
    guard (fields + retired).allSatisfy({ $0.id < nextField }) else {
      throw reader.failure("A feature of \"\(definition.name)\" has an id not yet given out.")
    }
    return Catalog.View(
      id: id, definition: definition, keySet: keySet, fields: fields, retired: retired,
      nextField: nextField)
  }

  private static func encode(_ field: Catalog.StoredField, into writer: inout RecordWriter) {
    writer.writeStructure { writer in
      writer.write(field.id)
      writer.write(text: field.name)
      writer.write(text: field.type.description)
      writer.write(UInt32(field.formerNames.count))
      for name in field.formerNames { writer.write(text: name) }
    }
  }

  private static func decodeField(
    _ reader: inout RecordReader
  ) throws(LarderError) -> Catalog.StoredField {
    try reader.readStructure("feature") { (reader) throws(LarderError) in
      try decodeStoredField(&reader)
    }
  }

  private static func decodeStoredField(
    _ reader: inout RecordReader
  ) throws(LarderError) -> Catalog.StoredField {
    let id = try reader.read(UInt32.self)
    let name = try reader.readText()
    let type = try decodeType(&reader)
    var field = Catalog.StoredField(id: id, name: name, type: type)
    for _ in 0..<(try reader.readCount("former names", each: 2)) {
      field.formerNames.append(try reader.readText())
    }
    return field
  }

  private static func decodeType(_ reader: inout RecordReader) throws(LarderError) -> DataType {
    let name = try reader.readText()
    // Types nest in their names; a short name cannot nest deep.
    guard name.utf8.count <= 1_024 else { throw reader.failure("The type's name is too long.") }
    do { return try DataType(named: name) } catch {
      throw reader.failure("The type \"\(name)\" is unknown.")
    }
  }

  // MARK: Services

  private static func encode(_ service: FeatureService, into writer: inout RecordWriter) {
    writer.writeStructure { encode(fieldsOf: service, into: &$0) }
  }

  private static func encode(fieldsOf service: FeatureService, into writer: inout RecordWriter) {
    writer.write(text: service.name)
    writer.write(text: service.description)
    encode(service.tags, into: &writer)
    writer.write(UInt32(service.features.count))
    for reference in service.features {
      writer.write(text: reference.view)
      writer.write(UInt8(reference.feature == nil ? 0 : 1))
      writer.write(text: reference.feature ?? "")
    }
    writer.write(UInt32(service.projections.count))
    for projection in service.projections {
      writer.write(text: projection.view)
      writer.write(text: projection.alias)
      encode(projection.joinKeys, into: &writer)
    }
  }

  private static func decodeService(
    _ reader: inout RecordReader
  ) throws(LarderError) -> FeatureService {
    try reader.readStructure("service") { (reader) throws(LarderError) in
      try decodeServiceFields(&reader)
    }
  }

  private static func decodeServiceFields(
    _ reader: inout RecordReader
  ) throws(LarderError) -> FeatureService {
    var service = FeatureService(try reader.readText(), features: [])
    service.description = try reader.readText()
    service.tags = try decodeTags(&reader)
    for _ in 0..<(try reader.readCount("references", each: 5)) {
      let view = try reader.readText()
      let hasFeature = try reader.read(UInt8.self) != 0
      let feature = try reader.readText()
      service.features.append(FeatureReference(view: view, feature: hasFeature ? feature : nil))
    }
    for _ in 0..<(try reader.readCount("projections", each: 8)) {
      service.projections.append(
        Projection(
          view: try reader.readText(), alias: try reader.readText(),
          joinKeys: try decodeTags(&reader)))
    }
    return service
  }
}
