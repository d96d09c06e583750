import LarderColumns
import LarderContract

/// A feature as rows hold it.
struct RowField: Hashable, Sendable {
  /// Never used again for another feature of the table, whatever that is called.
  var id: UInt32
  var name: String
  var type: DataType

  /// Ids from here on are of features of before rows knew them by the catalog's ids.
  static let formerIDs: UInt32 = 1 << 31

  /// Whether the table can say whose values these are.
  var isKnown: Bool { id < RowField.formerIDs }
}

/// The features of rows written under one definition, and where they lie in a row.
///
/// Offsets count from where a row's features begin: first a bit per feature, set if there is a
/// value, in whole words; then the 8-byte values and the references to text, bytes and lists; then
/// the 4-byte values; then bools, a byte each. Behind them lies what the references name.
struct RowSchema: Hashable, Sendable {
  var id: UInt16
  let fields: [RowField]
  let offsets: [Int]
  /// Bytes before the variable part.
  let fixedBytes: Int

  init(id: UInt16, fields: [RowField]) {
    self.id = id
    self.fields = fields
    var offsets = [Int](repeating: 0, count: fields.count)
    var offset = (fields.count + 63) / 64 * 8
    for width in [8, 4, 1] {
      for (index, field) in fields.enumerated() where field.type.rowWidth == width {
        offsets[index] = offset
        offset += width
      }
    }
    self.offsets = offsets
    fixedBytes = (offset + 7) & ~7
  }
}

extension DataType {
  /// Bytes of a value in the fixed part of a row.
  var rowWidth: Int {
    switch layout {
    case .bits: 1
    case .fixed(let bytes): bytes
    case .variable, .list: 8
    }
  }

  /// Whether the fixed part holds a reference.
  var isReferenced: Bool {
    switch layout {
    case .bits, .fixed: false
    case .variable, .list: true
    }
  }
}

/// Where the features wanted lie in rows of one schema.
///
/// An object, so that lookups in hot loops hand one reference about.
final class RowProjection: Sendable {
  /// What is to be done to a stored value.
  ///
  /// A table keeps the widest type that a feature ever had, and a rollback may take its definition
  /// back to a narrower one: whole numbers that this cannot hold are null then, others are rounded.
  enum Conversion: UInt8, Sendable {
    case none, widenInteger, widenFloat, narrowInteger, narrowFloat

    init(from stored: DataType, to wanted: DataType) {
      self =
        switch (stored, wanted) {
        case (.int32, .int64): .widenInteger
        case (.float32, .float64): .widenFloat
        case (.int64, .int32): .narrowInteger
        case (.float64, .float32): .narrowFloat
        default: .none
        }
    }
  }
  /// For each feature wanted its position in the schema; -1 if its rows do not have it.
  let positions: [Int]
  /// For each its offset, or -1.
  let offsets: [Int]
  let conversions: [Conversion]
  let fixedBytes: Int
  /// How many features the schema has.
  let featureCount: Int

  init(of schema: RowSchema, ids: [UInt32?], types: [DataType]) {
    var positions: [Int] = []
    var conversions: [Conversion] = []
    for (id, type) in zip(ids, types) {
      let found = id.flatMap { id in schema.fields.firstIndex { $0.id == id } } ?? -1
      positions.append(found)
      guard found >= 0 else {
        conversions.append(.none)
        continue
      }
      conversions.append(Conversion(from: schema.fields[found].type, to: type))
    }
    self.positions = positions
    offsets = positions.map { $0 < 0 ? -1 : schema.offsets[$0] }
    self.conversions = conversions
    fixedBytes = schema.fixedBytes
    featureCount = schema.fields.count
  }
}
