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
  /// Whether some features are taken from the row before.
  let keeps: Bool
  private let variable: Bool
  // The last definition under which a row before was written.
  private var keptSchema: Int = -1
  private var kept: RowProjection?

  /// Prepares for a batch.
  ///
  /// - Parameter columns: for each feature of the schema the batch's column, or nil to keep.
  init(_ schema: RowSchema, columns: [Column?]) throws(LarderError) {
    self.schema = schema
    keeps = columns.contains { $0 == nil }
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
  /// - Parameter before: the row whose other values are kept, after `prepare`.
  func featureBytes(_ row: Int, keeping before: Record?) -> Int {
    var bytes = schema.fixedBytes
    if !variable { return bytes }
    for source in sources {
      switch source.kind {
      case .bytes:
        if let column = columns[source.position], column.isValid(row) {
          unsafe bytes += column.variableBytes(row).count
        }
      case .list:
        if let column = columns[source.position], column.isValid(row),
          let elements = column.sharedElements
        {
          bytes += unsafe ListCodec.bytes(
            elements, Int(column.offsets[row])..<Int(column.offsets[row + 1]))
        }
      case .kept:
        if let before, schema.fields[source.position].type.isReferenced,
          let value = unsafe keptBytes(source.position, before)
        {
          bytes += value.count
        }
      case .bits, .word32, .word64, .widenInteger, .widenFloat: break
      }
    }
    return bytes
  }

  /// Writes a row's features to zeroed memory.
  ///
  /// - Parameters:
  ///   - base: the start of the record.
  ///   - features: where in the record the features begin.
  func encode(
    _ row: Int, keeping before: Record?, into base: UnsafeMutableRawPointer, at features: Int
  ) {
    let target = unsafe base + features
    var end = features + schema.fixedBytes
    for source in sources {
      if source.kind == .kept {
        if let before { unsafe keep(source, before, base, features, &end) }
        continue
      }
      let index = source.first &+ row
      if let validity = unsafe source.validity,
        unsafe validity[index >> 3] >> UInt8(truncatingIfNeeded: index & 7) & 1 == 0
      {
        continue
      }
      unsafe mark(source.position, target)
      guard let values = unsafe source.values else { continue }
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
    case .none:
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

extension Column {
  /// A dictionary column's values one by one.
  func plain() throws(LarderError) -> Column {
    try .of(type, (0..<count).map { self[$0] })
  }
}
