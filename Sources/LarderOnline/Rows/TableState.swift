import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// What a table's log says about itself: written whole, at the start of each segment and whenever
/// it changes.
struct TableState: Hashable, Sendable {
  /// A segment that belongs to the table.
  struct Segment: Hashable, Sendable {
    var sequence: UInt64
    var number: Int
    /// Units that were written to it; nil for the one that is being written.
    var end: Int?
  }

  /// The view's name, for people.
  var view: String
  var keys: [KeyColumn]
  var unit: TimeUnit
  /// All definitions that rows may have been written under; the last is in force.
  var schemas: [RowSchema]
  var nextField: UInt32
  var segments: [Segment]
  var watermark: OnlineWatermark?

  /// The schema in force.
  var current: RowSchema { schemas.last ?? RowSchema(id: 0, fields: []) }

  /// The state of a new table.
  init(_ view: FeatureView) throws(LarderError) {
    self.view = view.name
    var keys: [KeyColumn] = []
    for key in view.joinKeys { keys.append(KeyColumn(key.name, try KeyType(key.type.dataType))) }
    self.keys = keys
    unit = view.timeUnit
    schemas = []
    nextField = 0
    segments = []
    _ = try adopt(view)
  }

  /// Refuses a view whose keys or time unit are not the table's.
  func check(_ view: FeatureView) throws(LarderError) {
    var own: [KeyColumn] = []
    for key in view.joinKeys { own.append(KeyColumn(key.name, try KeyType(key.type.dataType))) }
    guard own == keys, view.timeUnit == unit else {
      throw LarderError(
        .incompatibleDefinition,
        "The online table of \"\(view.name)\" has other join keys or another time unit; drop it "
          + "and materialize the view again.")
    }
  }

  /// The ids of a view's features in this table; nil for one that no row can have.
  func ids(of fields: [Field]) -> [UInt32?] {
    let known = current.fields
    let plain = known.map { Field($0.name, $0.type) }
    return fields.map { field in
      guard let found = plain.earlier(of: field) else { return nil }
      return known.first { $0.name == found.name }?.id
    }
  }

  /// Takes over a view's features.
  ///
  /// A feature goes on under its id if it kept its name, or was renamed, and kept its type or was
  /// widened.
  ///
  /// - Returns: whether anything changed.
  /// - Throws: `limitExceeded` after 65,535 changes of a table.
  mutating func adopt(_ view: FeatureView) throws(LarderError) -> Bool {
    self.view = view.name
    var taken: Set<UInt32> = []
    var fields: [RowField] = []
    for (field, id) in zip(view.features, ids(of: view.features)) {
      if let id, taken.insert(id).inserted {
        fields.append(RowField(id: id, name: field.name, type: field.type))
      } else {
        fields.append(RowField(id: nextField, name: field.name, type: field.type))
        nextField += 1
      }
    }
    if let last = schemas.last, last.fields == fields { return false }
    guard schemas.last?.id != .max else {
      throw LarderError(
        .limitExceeded,
        "The features of this online table were changed 65,535 times; drop the table and "
          + "materialize the view again.")
    }
    schemas.append(RowSchema(id: (schemas.last?.id ?? 0) + 1, fields: fields))
    return true
  }
}

extension TableState {
  private static let version: UInt16 = 1

  var encoded: [UInt8] {
    var out = ByteWriter()
    out.append(TableState.version)
    out.append(UInt8(unit.rawValue))
    out.append(UInt8(watermark == nil ? 0 : 1))
    if let watermark {
      out.append(watermark.commit)
      out.append(watermark.through.ticks)
      out.append(watermark.through.unit.rawValue)
    }
    out.append(view)
    out.append(UInt32(keys.count))
    for key in keys {
      out.append(key.type.rawValue)
      out.append(key.name)
    }
    out.append(nextField)
    out.append(UInt32(schemas.count))
    for schema in schemas {
      out.append(schema.id)
      out.append(UInt32(schema.fields.count))
      for field in schema.fields {
        out.append(field.id)
        out.append(field.type.description)
        out.append(field.name)
      }
    }
    out.append(UInt32(segments.count))
    for segment in segments {
      out.append(segment.sequence)
      out.append(UInt32(segment.number))
      out.append(UInt32(segment.end ?? 0))
    }
    return out.bytes
  }

  /// Reads a state record's content.
  ///
  /// - Throws: `corrupt`, `unsupportedVersion`.
  init(_ bytes: [UInt8], file: String) throws(LarderError) {
    var reader = ByteReader(bytes, file: file)
    let version = try reader.read(UInt16.self)
    guard version == TableState.version else {
      throw LarderError(
        .unsupportedVersion, "The online table's state has version \(version).", file: file)
    }
    guard let unit = TimeUnit(rawValue: try reader.read(UInt8.self)) else {
      throw reader.damaged("names an unknown time unit")
    }
    self.unit = unit
    if try reader.read(UInt8.self) == 1 {
      let commit = try reader.read(UInt64.self)
      let ticks = try reader.read(Int64.self)
      guard let unit = TimeUnit(rawValue: try reader.read(UInt8.self)) else {
        throw reader.damaged("names an unknown time unit")
      }
      watermark = OnlineWatermark(commit: commit, through: Timestamp(ticks: ticks, unit: unit))
    }
    view = try reader.text()
    keys = []
    for _ in 0..<(try reader.count(of: 8)) {
      guard let type = KeyType(rawValue: try reader.read(UInt32.self)) else {
        throw reader.damaged("names an unknown key type")
      }
      keys.append(KeyColumn(try reader.text(), type))
    }
    nextField = try reader.read(UInt32.self)
    schemas = []
    for _ in 0..<(try reader.count(of: 6)) {
      let id = try reader.read(UInt16.self)
      var fields: [RowField] = []
      for _ in 0..<(try reader.count(of: 12)) {
        let field = try reader.read(UInt32.self)
        let type = try DataType(named: try reader.text())
        fields.append(RowField(id: field, name: try reader.text(), type: type))
      }
      schemas.append(RowSchema(id: id, fields: fields))
    }
    segments = []
    for _ in 0..<(try reader.count(of: 16)) {
      let sequence = try reader.read(UInt64.self)
      let number = Int(try reader.read(UInt32.self))
      let end = Int(try reader.read(UInt32.self))
      guard number < LogFormat.segments else { throw reader.damaged("names a wrong segment") }
      segments.append(Segment(sequence: sequence, number: number, end: end == 0 ? nil : end))
    }
    guard reader.isAtEnd, !schemas.isEmpty else { throw reader.damaged("has a wrong length") }
  }
}
