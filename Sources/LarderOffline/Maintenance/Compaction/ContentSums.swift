import LarderColumns
import LarderContract

/// What the columns of several segments add up to: sums that do not change when rows change places.
struct ContentSums: Sendable, Equatable {
  private(set) var rows = 0
  private var columns: [UInt64: ContentHash] = [:]
  /// Columns that cannot be compared: one of them holds a narrower type.
  private var unsettled: Set<UInt64> = []

  private static func key(_ role: ColumnRole, _ field: UInt32) -> UInt64 {
    UInt64(role.rawValue) << 32 | UInt64(field)
  }

  /// Adds a segment's columns; one that it lacks counts as null in every row.
  ///
  /// - Parameter fields: those that any of the segments has.
  mutating func add(
    _ segment: Segment, fields: [Catalog.StoredField], hasCreated: Bool
  ) throws(LarderError) {
    rows += segment.rows
    var found: Set<UInt64> = []
    for case .known(let record) in segment.footer.columns {
      let key = Self.key(record.role, record.fieldID)
      found.insert(key)
      if record.role == .feature {
        guard let field = fields.first(where: { $0.id == record.fieldID }) else { continue }
        if field.type != record.type { unsettled.insert(key) }
      }
      columns[key] = (columns[key] ?? ContentHash()) + record.content
    }
    var missing = fields.map { Self.key(.feature, $0.id) }
    if hasCreated { missing.append(Self.key(.createdTime, 0)) }
    missing.removeAll(where: found.contains)
    guard !missing.isEmpty else { return }
    let nulls = try segment.hashOfNulls()
    for key in missing { columns[key] = (columns[key] ?? ContentHash()) + nulls }
  }

  /// Takes rows of a merge away that were left out of its outputs.
  ///
  /// - Parameter rows: row numbers of the source.
  mutating func remove(_ rows: [UInt32], of source: some RowSource) throws(LarderError) {
    guard !rows.isEmpty else { return }
    self.rows -= rows.count
    let ids = unsafe source.ids.values(as: UInt32.self)
    let events = unsafe source.events.values(as: Int64.self)
    let hashes = rows.map { unsafe rowHash(id: ids[Int($0)], event: events[Int($0)]) }
    let chosen = Buffer(copying: rows)
    let scratch = ScratchMemory()
    let times = Column(
      type: .int64, count: source.count, nullCount: 0, validity: nil, values: source.events)
    remove(
      unsafe try times.gathered(chosen.values(as: UInt32.self), in: scratch), hashes,
      Self.key(.eventTime, 0))
    let picks = source.picks(chosen, in: scratch)
    var found = Set([Self.key(.eventTime, 0)])
    for part in source.parts {
      let column = try source.gathered(part, picks, in: scratch)
      let key =
        switch part {
        case .created: Self.key(.createdTime, 0)
        case .feature(let id): Self.key(.feature, id)
        }
      found.insert(key)
      remove(column, hashes, key)
    }
    // Columns that only other sources have counted as null in these rows.
    var nulls = ContentHash()
    for hash in hashes { nulls.add(ContentHash.nullBits, row: hash) }
    let roles = [ColumnRole.feature, .createdTime].map { UInt64($0.rawValue) }
    for key in columns.keys where !found.contains(key) && roles.contains(key >> 32) {
      columns[key] = (columns[key] ?? ContentHash()) - nulls
    }
  }

  private mutating func remove(_ column: Column, _ hashes: [UInt64], _ key: UInt64) {
    let scalars = ElementHashes(column)
    let elements = column.sharedElements.map(ElementHashes.init)
    var content = ContentHash()
    for (row, hash) in hashes.enumerated() {
      guard column.isValid(row) else {
        content.add(ContentHash.nullBits, row: hash)
        continue
      }
      if let elements {
        let offsets = unsafe column.offsets
        let list = unsafe Int(offsets[row])..<Int(offsets[row + 1])
        content.add(elements.bits(of: list), row: hash)
      } else {
        content.add(scalars.bits(of: row), row: hash)
      }
    }
    columns[key] = (columns[key] ?? ContentHash()) - content
  }

  /// Refuses outputs that do not add up to the inputs.
  ///
  /// - Parameter outputs: their sums.
  /// - Throws: `corrupt`, naming what differs.
  func check(_ outputs: ContentSums, fields: [Catalog.StoredField]) throws(LarderError) {
    guard rows == outputs.rows else {
      throw LarderError(
        .corrupt,
        "A rewrite of \(rows) rows wrote \(outputs.rows); it was given up. Verify the store.")
    }
    var keys: [(key: UInt64, name: String)] = [
      (Self.key(.eventTime, 0), "the event times"),
      (Self.key(.createdTime, 0), "the created times"),
    ]
    keys += fields.map { (Self.key(.feature, $0.id), "\"\($0.name)\"") }
    for (key, name) in keys where !unsettled.contains(key) {
      guard columns[key] == outputs.columns[key] else {
        throw LarderError(
          .corrupt,
          "A rewrite changed the values of \(name); it was given up. Verify the store.")
      }
    }
  }
}

extension Segment {
  /// What a column adds that is null in every row.
  fileprivate func hashOfNulls() throws(LarderError) -> ContentHash {
    let ids = try decodeIDs(rows: 0..<rows)
    let events = try decodeEvents(rows: 0..<rows)
    let context = RowContext(ids: ids, events: events, count: rows)
    var content = ContentHash()
    let hashes = unsafe context.hashes.values(as: UInt64.self)
    for row in 0..<rows { unsafe content.add(ContentHash.nullBits, row: hashes[row]) }
    return content
  }
}
