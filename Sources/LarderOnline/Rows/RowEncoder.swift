import Glibc
import LarderColumns
import LarderContract

/// Writes rows of one batch in the form of the log.
struct RowEncoder {
  /// Where a feature's values come from.
  @safe struct Source {
    enum Kind { case bits, word32, word64, widenInteger, widenFloat, bytes, list, kept }
    var kind: Kind
    /// The feature's position in the schema and its offset in a row.
    var position: Int
    var offset: Int
    var values: UnsafeRawPointer?
    var validity: UnsafePointer<UInt8>?
    /// Value 0 of the column, in values.
    var first: Int
  }

  let schema: RowSchema
  // No references among the sources: a row is encoded without counting any.
  private(set) var sources: [Source] = []
  /// The columns of the sources.
  private(set) var columns: [Column?] = []
  /// The bits of features that have a value in every row of the batch, in words.
  private(set) var alwaysValid: [UInt64]
  /// A bit per feature that the batch brings, in words; nil if it brings all.
  let brought: [UInt64]?
  private let variable: Bool
  // The last definition under which a row before was written.
  private var keptSchema: Int = -1
  private(set) var kept: RowProjection?

  /// Prepares for a batch.
  ///
  /// - Parameter columns: for each feature of the schema the batch's column; nil if it brings none.
  init(_ schema: RowSchema, columns: [Column?]) throws(LarderError) {
    self.schema = schema
    brought =
      columns.contains { $0 == nil } ? [UInt64](marking: columns.map { $0 != nil }) : nil
    variable = schema.fields.contains { $0.type.isReferenced }
    alwaysValid = [UInt64](repeating: 0, count: (schema.fields.count + 63) / 64)
    for (position, field) in schema.fields.enumerated() {
      let offset = schema.offsets[position]
      guard var column = columns[position] else {
        unsafe sources.append(
          Source(
            kind: .kept, position: position, offset: offset, values: nil, validity: nil, first: 0))
        self.columns.append(nil)
        continue
      }
      if column.isDictionary, !field.type.isReferenced { column = try column.plain() }
      let kind: Source.Kind
      switch (column.type, field.type) {
      case (.int32, .int64): kind = .widenInteger
      case (.float32, .float64): kind = .widenFloat
      default:
        kind =
          switch field.type.layout {
          case .bits: .bits
          case .fixed(let width): width == 8 ? .word64 : .word32
          case .variable: .bytes
          case .list: .list
          }
      }
      unsafe sources.append(
        Source(
          kind: kind, position: position, offset: offset,
          values: UnsafeRawPointer(column.values.base),
          validity: column.validity.map {
            unsafe UnsafePointer($0.base.assumingMemoryBound(to: UInt8.self))
          },
          first: column.offset))
      self.columns.append(column)
      if column.validity == nil { alwaysValid[position >> 6] |= 1 << UInt64(position & 63) }
    }
  }

  /// Whether rows may have bytes beyond the fixed part.
  var isVariable: Bool { variable }

  /// Looks up where the row before has what is kept.
  mutating func prepare(_ before: Record, _ schema: RowSchema) {
    if keptSchema == before.schema { return }
    keptSchema = before.schema
    kept = RowProjection(
      of: schema, ids: self.schema.fields.map { $0.id }, types: self.schema.fields.map(\.type))
  }

  /// Bytes of a row's features.
  ///
  /// - Parameters:
  ///   - row: the batch's row; nil if nothing of the batch is in it.
  ///   - before: the row whose values the taken features have, after `prepare`.
  ///   - taken: a bit per feature that comes from there.
  func featureBytes(_ row: Int?, taking taken: [UInt64]? = nil, from before: Record? = nil) -> Int {
    var bytes = schema.fixedBytes
    if !variable { return bytes }
    for source in sources {
      bytes += variableBytes(source, row, taken, before)
    }
    return bytes
  }

  /// Bytes of one feature beyond the fixed part.
  private func variableBytes(
    _ source: Source, _ row: Int?, _ taken: [UInt64]?, _ before: Record?
  ) -> Int {
    if let taken, taken.marks(source.position) {
      guard let before, schema.fields[source.position].type.isReferenced else { return 0 }
      return unsafe keptBytes(source.position, before)?.count ?? 0
    }
    guard let row, let column = columns[source.position], column.isValid(row) else { return 0 }
    switch source.kind {
    case .bytes: return unsafe column.variableBytes(row).count
    case .list:
      guard let elements = column.sharedElements else { return 0 }
      return unsafe ListCodec.bytes(
        elements, Int(column.offsets[row])..<Int(column.offsets[row + 1]))
    default: return 0
    }
  }

  /// The feature that takes most of a row: what to name when the row is too large.
  func largestFeature(_ row: Int?, taking taken: [UInt64]?, from before: Record?) -> String? {
    let sizes = sources.map { variableBytes($0, row, taken, before) }
    guard let most = sizes.max(), let place = sizes.firstIndex(of: most) else { return nil }
    return schema.fields[sources[place].position].name
  }

  /// Writes a row's features to zeroed memory.
  ///
  /// - Parameters:
  ///   - row: the batch's row; nil if nothing of the batch is in it.
  ///   - taken: a bit per feature that comes from the row before.
  ///   - base: the start of the record.
  ///   - features: where in the record the features begin.
  ///   - variable: where in the record what the features refer to begins.
  func encode(
    _ row: Int?, taking taken: [UInt64]? = nil, from before: Record? = nil,
    into base: UnsafeMutableRawPointer, at features: Int, variable: Int
  ) {
    let target = unsafe base + features
    var end = variable
    for source in sources {
      if let taken, taken.marks(source.position) {
        if let before { unsafe keep(source, before, base, features, &end) }
        continue
      }
      guard let row, let values = unsafe source.values else { continue }
      let index = source.first &+ row
      if let validity = unsafe source.validity,
        unsafe validity[index >> 3] >> UInt8(truncatingIfNeeded: index & 7) & 1 == 0
      {
        continue
      }
      unsafe mark(source.position, target)
      let at = source.offset
      switch source.kind {
      case .word64:
        unsafe target.storeBytes(
          of: values.load(fromByteOffset: index &* 8, as: UInt64.self), toByteOffset: at,
          as: UInt64.self)
      case .word32:
        unsafe target.storeBytes(
          of: values.load(fromByteOffset: index &* 4, as: UInt32.self), toByteOffset: at,
          as: UInt32.self)
      case .widenInteger:
        unsafe target.storeBytes(
          of: Int64(values.load(fromByteOffset: index &* 4, as: Int32.self)), toByteOffset: at,
          as: Int64.self)
      case .widenFloat:
        unsafe target.storeBytes(
          of: Double(values.load(fromByteOffset: index &* 4, as: Float.self)), toByteOffset: at,
          as: Double.self)
      case .bits:
        unsafe target.storeBytes(
          of: values.load(fromByteOffset: index >> 3, as: UInt8.self)
            >> UInt8(truncatingIfNeeded: index & 7) & 1, toByteOffset: at, as: UInt8.self)
      case .bytes:
        guard let column = columns[source.position] else { continue }
        let value = unsafe column.variableBytes(row)
        unsafe refer(value.count, from: target + at, to: &end)
        if let start = value.baseAddress {
          unsafe memcpy(base + end - value.count, start, value.count)
        }
      case .list:
        guard let column = columns[source.position], let elements = column.sharedElements else {
          continue
        }
        let range = unsafe Int(column.offsets[row])..<Int(column.offsets[row + 1])
        let count = ListCodec.bytes(elements, range)
        unsafe refer(count, from: target + at, to: &end)
        unsafe ListCodec.encode(elements, range, to: base + end - count)
      case .kept: break
      }
    }
  }

  /// Says that a feature has a value.
  @inline(__always) func mark(_ position: Int, _ target: UnsafeMutableRawPointer) {
    let byte = position >> 3
    let old = unsafe target.load(fromByteOffset: byte, as: UInt8.self)
    unsafe target.storeBytes(
      of: old | 1 << UInt8(truncatingIfNeeded: position & 7), toByteOffset: byte, as: UInt8.self)
  }

  /// Writes a reference to the next bytes of the variable part.
  func refer(_ count: Int, from place: UnsafeMutableRawPointer, to end: inout Int) {
    unsafe place.storeBytes(of: UInt32(truncatingIfNeeded: end), as: UInt32.self)
    unsafe place.storeBytes(of: UInt32(truncatingIfNeeded: count), toByteOffset: 4, as: UInt32.self)
    end += count
  }

  /// Copies one feature from the row before.
  private func keep(
    _ source: Source, _ before: Record, _ base: UnsafeMutableRawPointer, _ features: Int,
    _ end: inout Int
  ) {
    let position = source.position
    guard let kept, kept.positions[position] >= 0, kept.isBounded(before),
      before.isValid(kept.positions[position])
    else { return }
    let target = unsafe base + features
    let at = source.offset
    let from = before.featuresOffset + kept.offsets[position]
    let type = schema.fields[position].type
    if type.isReferenced {
      guard let value = unsafe keptBytes(position, before) else { return }
      unsafe mark(position, target)
      unsafe refer(value.count, from: target + at, to: &end)
      if let start = value.baseAddress {
        unsafe memcpy(base + end - value.count, start, value.count)
      }
      return
    }
    unsafe mark(position, target)
    switch kept.conversions[position] {
    case .widenInteger:
      unsafe target.storeBytes(
        of: Int64(before.load(from, as: Int32.self)), toByteOffset: at, as: Int64.self)
    case .widenFloat:
      unsafe target.storeBytes(
        of: Double(before.load(from, as: Float.self)), toByteOffset: at, as: Double.self)
    case .none, .narrowInteger, .narrowFloat:
      // A table's types only widen.
      unsafe memcpy(target + at, before.base + from, type.rowWidth)
    }
  }

  /// The bytes of a referenced feature in the row before; nil if it has none.
  private func keptBytes(_ position: Int, _ before: Record) -> UnsafeRawBufferPointer? {
    guard let kept, kept.positions[position] >= 0, kept.isBounded(before),
      before.isValid(kept.positions[position])
    else { return nil }
    return unsafe before.referenced(at: kept.offsets[position])
  }
}

extension RowProjection {
  /// Whether the fixed part lies within the row.
  @inline(__always) func isBounded(_ row: Record) -> Bool {
    row.featuresOffset &+ fixedBytes <= row.bytes
  }

  /// Whether that and what the row says of its origin do.
  @inline(__always) func holds(_ row: Record) -> Bool {
    row.featuresOffset &+ fixedBytes
      &+ Record.standingBytes(row.flags, features: featureCount) <= row.bytes
  }
}

extension Record {
  /// Whether a feature of the row's schema has a value.
  @inline(__always) func isValid(_ position: Int) -> Bool {
    load(featuresOffset &+ position >> 3, as: UInt8.self) >> UInt8(truncatingIfNeeded: position & 7)
      & 1 == 1
  }

  /// What a reference at an offset of the features names; nil if it leads out of the row.
  func referenced(at offset: Int) -> UnsafeRawBufferPointer? {
    let start = Int(load(featuresOffset &+ offset, as: UInt32.self))
    let count = Int(load(featuresOffset &+ offset &+ 4, as: UInt32.self))
    guard start <= bytes, count <= bytes - start else { return nil }
    return unsafe UnsafeRawBufferPointer(start: base + start, count: count)
  }
}

extension [UInt64] {
  /// A bit for each flag, in words.
  init(marking flags: [Bool]) {
    self.init(repeating: 0, count: (flags.count + 63) / 64)
    for (position, flag) in flags.enumerated() where flag {
      self[position >> 6] |= 1 << UInt64(position & 63)
    }
  }

  /// Whether the bit of a position is set.
  @inline(__always) func marks(_ position: Int) -> Bool {
    self[position >> 6] >> UInt64(position & 63) & 1 == 1
  }
}

extension Column {
  /// A dictionary column's values one by one.
  func plain() throws(LarderError) -> Column {
    try .of(type, (0..<count).map { self[$0] })
  }
}
