import LarderColumns

/// What a leaf column stores and what it becomes.
struct LeafType {
  /// How stored values become the column's.
  enum Conversion: Equatable {
    /// The stored bytes are the value.
    case none
    /// Int32 to Int64, sign kept.
    case widenSigned
    /// UInt32 to Int64.
    case widenUnsigned
    /// UInt64 to Int64; greater values are refused.
    case checkUnsigned
    /// UInt64 to its digits.
    case unsignedText
    /// Julian day and nanoseconds to ticks.
    case int96(TimeUnit)
    /// IEEE binary16 to binary32.
    case float16
    /// Int32 or Int64 to decimal text.
    case decimalInteger(scale: Int)
    /// Big-endian two's complement to decimal text.
    case decimalBytes(scale: Int)
    /// 16 bytes to hexadecimal text.
    case uuid
  }

  var physical: PhysicalType
  /// The bytes of a stored value; 0 where it varies, and for bools.
  var width: Int
  var dataType: DataType
  var conversion: Conversion
  /// Of a time: whether it is an instant in UTC, and not a time of a zone that is not told.
  var isInstant = false
  /// Whether the file's type for it is null.
  var isNull = false

  /// The longest decimal in bytes; the widest of known writers has 32.
  static let decimalBytesLimit = 64
  /// The greatest scale of a decimal.
  static let decimalScaleLimit = 160

  /// Says how a leaf of the schema is read.
  ///
  /// - Parameters:
  ///   - int96Unit: the unit of INT96 times.
  ///   - unsignedTexts: whether unsigned integers of 64 bits are text.
  /// - Throws: `unsupported` for a meaning that is not read; `invalidInput` for one that the format
  ///   does not allow on this physical type.
  init(
    _ node: SchemaElement, int96Unit: TimeUnit, unsignedTexts: Bool = false
  ) throws(LarderError) {
    if let raw = node.unknownType {
      throw LarderError(.unsupported, "Physical type \(raw) is not known.")
    }
    guard let physical = node.type else { throw .malformed("A group stands for a column.") }
    self.physical = physical
    width = physical.width ?? 0
    if physical == .fixedLengthByteArray {
      guard node.typeLength > 0, node.typeLength <= Limits.valueBytes else {
        throw .malformed("The column has a fixed length of \(node.typeLength) bytes.")
      }
      width = node.typeLength
    }
    let plain = Self.plain(physical, int96Unit: int96Unit)
    (dataType, conversion) = plain
    if node.annotation == .none { return }
    if node.annotation == .null {
      isNull = true
      return
    }
    guard let meaning = try Self.meaning(node.annotation, physical, width) else {
      throw .malformed("The column is marked \(node.annotation), but stores \(physical).")
    }
    (dataType, conversion) = meaning
    if conversion == .checkUnsigned, unsignedTexts {
      (dataType, conversion) = (.string, .unsignedText)
    }
    if case .timestamp(_, let isInstant) = node.annotation { self.isInstant = isInstant }
  }

  private static func plain(
    _ physical: PhysicalType, int96Unit: TimeUnit
  ) -> (DataType, Conversion) {
    switch physical {
    case .boolean: (.bool, .none)
    case .int32: (.int32, .none)
    case .int64: (.int64, .none)
    case .int96: (.timestamp(int96Unit), .int96(int96Unit))
    case .float: (.float32, .none)
    case .double: (.float64, .none)
    case .byteArray, .fixedLengthByteArray: (.bytes, .none)
    }
  }

  /// What an annotation makes of a physical type; nil where it may not stand on it.
  private static func meaning(
    _ annotation: Annotation, _ physical: PhysicalType, _ width: Int
  ) throws(LarderError) -> (DataType, Conversion)? {
    switch (annotation, physical) {
    case (.string, .byteArray): return (.string, .none)
    case (.json, .byteArray): return (.json, .none)
    case (.bson, .byteArray): return (.opaque(tag: "bson"), .none)
    case (.geospatial, .byteArray): return (.opaque(tag: "wkb"), .none)
    case (.date, .int32): return (.date, .none)
    // A time of day is a number: ticks of its unit since midnight.
    case (.time, .int32): return (.int64, .widenSigned)
    case (.time, .int64): return (.int64, .none)
    case (.timestamp(let unit, _), .int64): return (.timestamp(unit), .none)
    case (.uuid, .fixedLengthByteArray) where width == 16: return (.uuid, .uuid)
    case (.float16, .fixedLengthByteArray) where width == 2: return (.float32, .float16)
    case (.interval, .fixedLengthByteArray) where width == 12:
      return (.opaque(tag: "interval"), .none)
    case (.integer(let bits, let signed), .int32) where bits <= 32:
      return bits == 32 && !signed ? (.int64, .widenUnsigned) : (.int32, .none)
    case (.integer(let bits, let signed), .int64) where bits == 64:
      return (.int64, signed ? .none : .checkUnsigned)
    case (.decimal(let scale), _):
      return try decimal(scale, physical, width)
    case (.map, _), (.list, _), (.variant, _):
      throw LarderError(.unsupported, "A column marked \(annotation) that is no group is not read.")
    default: return nil
    }
  }

  private static func decimal(
    _ scale: Int, _ physical: PhysicalType, _ width: Int
  ) throws(LarderError) -> (DataType, Conversion)? {
    guard scale >= 0, scale <= decimalScaleLimit, width <= decimalBytesLimit else {
      throw LarderError(
        .unsupported, "Decimals of scale \(scale) in \(width) bytes are not read.")
    }
    switch physical {
    case .int32, .int64: return (.decimal, .decimalInteger(scale: scale))
    case .byteArray, .fixedLengthByteArray: return (.decimal, .decimalBytes(scale: scale))
    default: return nil
    }
  }
}
