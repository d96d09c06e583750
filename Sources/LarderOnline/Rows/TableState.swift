import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// What a table's log says about itself: written whole, at the start of each log file and whenever
/// it changes.
struct TableState: Hashable, Sendable {
  /// A log file that belongs to the table.
  struct LogFile: Hashable, Sendable {
    var sequence: UInt64
    var number: Int
    /// Units that were written to it; nil for the one that is being written.
    var end: Int?
  }

  /// How rows know features.
  enum Naming: UInt8, Hashable, Sendable {
    /// By ids that the table itself gave to names.
    case names = 0
    /// By the catalog's ids.
    case catalog = 1
  }

  /// The view's name, for people.
  var view: String
  var keys: [KeyColumn]
  var unit: TimeUnit
  /// All definitions that rows may have been written under.
  var schemas: [RowSchema]
  /// The id of the schema in force.
  var currentID: UInt16
  var naming: Naming
  /// The next id for a feature that goes by its name.
  var nextField: UInt32
  var logFiles: [LogFile]
  var watermark: OnlineWatermark?
  /// What was begun since the watermark was written.
  var begun = HistoryRun.none
  /// Whether it was read from a version of before.
  var isOutdated = false

  /// The schema in force.
  var current: RowSchema { schema(currentID) ?? RowSchema(id: 0, fields: []) }

  /// The greatest id of a schema.
  var lastSchemaID: UInt16 { schemas.reduce(0) { max($0, $1.id) } }

  /// The schema of an id; nil if there is none.
  func schema(_ id: UInt16) -> RowSchema? {
    // Ids are given in order, from 1.
    let place = Int(id) - 1
    if schemas.indices.contains(place), schemas[place].id == id { return schemas[place] }
    return schemas.first { $0.id == id }
  }

  /// The state of a new table.
  init(_ view: ResolvedView) throws(LarderError) {
    self.view = view.name
    var keys: [KeyColumn] = []
    for key in view.definition.joinKeys {
      keys.append(KeyColumn(key.name, try KeyType(key.type.dataType)))
    }
    self.keys = keys
    unit = view.definition.timeUnit
    schemas = []
    currentID = 0
    naming = view.featureIDs == nil ? .names : .catalog
    nextField = 0
    logFiles = []
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

  /// The ids of some of a view's features in this table; nil for one that no row can have.
  func ids(of fields: [Field], in view: ResolvedView) -> [UInt32?] {
    guard naming == .catalog, let featureIDs = view.featureIDs else { return ids(byName: fields) }
    return fields.map { field in
      view.definition.features.firstIndex { $0.name == field.name }.flatMap { featureIDs[$0] }
    }
  }

  /// The ids of features by their names.
  private func ids(byName fields: [Field]) -> [UInt32?] {
    let known = current.fields
    let plain = known.map { Field($0.name, $0.type) }
    return fields.map { field in
      guard let found = plain.earlier(of: field) else { return nil }
      return known.first { $0.name == found.name }?.id
    }
  }
}

extension TableState {
  private static let version: UInt16 = 2

  var encoded: [UInt8] {
    var out = ByteWriter()
    out.append(TableState.version)
    out.append(UInt8(unit.rawValue))
    out.append(UInt8(watermark == nil ? 0 : 1))
    if let watermark {
      out.append(watermark.commit)
      out.append(watermark.chainHash)
      out.append(watermark.through.ticks)
      out.append(watermark.through.unit.rawValue)
    }
    out.append(view)
    out.append(UInt32(keys.count))
    for key in keys {
      out.append(key.type.rawValue)
      out.append(key.name)
    }
    out.append(begun.rawValue)
    out.append(naming.rawValue)
    out.append(nextField)
    out.append(currentID)
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
    out.append(UInt32(logFiles.count))
    for logFile in logFiles {
      out.append(logFile.sequence)
      out.append(UInt32(logFile.number))
      out.append(UInt32(logFile.end ?? 0))
    }
    return out.bytes
  }

  /// Reads a state record's content.
  ///
  /// - Throws: `corrupt`, `unsupportedVersion`.
  init(_ bytes: [UInt8], file: String) throws(LarderError) {
    var reader = ByteReader(bytes, file: file)
    let version = try reader.read(UInt16.self)
    guard (1...TableState.version).contains(version) else {
      throw LarderError(
        .unsupportedVersion, "The online table's state has version \(version).", file: file)
    }
    guard let unit = TimeUnit(rawValue: try reader.read(UInt8.self)) else {
      throw reader.damaged("names an unknown time unit")
    }
    self.unit = unit
    if try reader.read(UInt8.self) == 1 {
      let commit = try reader.read(UInt64.self)
      let chainHash = version == 1 ? 0 : try reader.read(UInt64.self)
      let ticks = try reader.read(Int64.self)
      guard let unit = TimeUnit(rawValue: try reader.read(UInt8.self)) else {
        throw reader.damaged("names an unknown time unit")
      }
      watermark = OnlineWatermark(
        commit: commit, chainHash: chainHash, through: Timestamp(ticks: ticks, unit: unit))
    }
    view = try reader.text()
    keys = []
    for _ in 0..<(try reader.count(of: 8)) {
      guard let type = KeyType(rawValue: try reader.read(UInt32.self)) else {
        throw reader.damaged("names an unknown key type")
      }
      keys.append(KeyColumn(try reader.text(), type))
    }
    naming = .names
    if version > 1 {
      guard let run = HistoryRun(rawValue: try reader.read(UInt8.self)) else {
        throw reader.damaged("tells of an unknown run")
      }
      begun = run
      guard let known = Naming(rawValue: try reader.read(UInt8.self)) else {
        throw reader.damaged("names features in an unknown way")
      }
      naming = known
    }
    nextField = try reader.read(UInt32.self)
    currentID = version > 1 ? try reader.read(UInt16.self) : 0
    isOutdated = version < TableState.version
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
    logFiles = []
    for _ in 0..<(try reader.count(of: 16)) {
      let sequence = try reader.read(UInt64.self)
      let number = Int(try reader.read(UInt32.self))
      let end = Int(try reader.read(UInt32.self))
      guard number < LogFormat.logFiles else { throw reader.damaged("names a wrong log file") }
      logFiles.append(LogFile(sequence: sequence, number: number, end: end == 0 ? nil : end))
    }
    guard reader.isAtEnd, !schemas.isEmpty else { throw reader.damaged("has a wrong length") }
    if version == 1 { currentID = schemas.last?.id ?? 0 }
    guard schema(currentID) != nil else { throw reader.damaged("names an unknown definition") }
  }
}

/// What rows beyond the watermark a table may have: of runs that were begun and not finished, or of
/// a given range.
package enum HistoryRun: UInt8, Hashable, Sendable, Comparable {
  /// None.
  case none = 0
  /// Rows that history gained.
  case gaining = 1
  /// Values that were recomputed.
  case rebuilding = 2

  package static func < (a: HistoryRun, b: HistoryRun) -> Bool { a.rawValue < b.rawValue }
}
