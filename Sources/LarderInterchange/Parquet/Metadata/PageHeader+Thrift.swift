import LarderColumns

extension PageHeader {
  /// Reads the header of a page.
  ///
  /// - Throws: `invalidInput` if the bytes are not a page header or lack what one must have.
  init(_ reader: inout CompactReader) throws(LarderError) {
    var last: Int16 = 0
    while let field = try reader.field(after: &last) {
      switch (field.id, field.type) {
      case (1, .int32):
        let raw = try reader.int32()
        kind = Kind(rawValue: raw)
        guard kind != nil else {
          throw LarderError(.unsupported, "Pages of type \(raw) are not known.")
        }
      case (2, .int32): uncompressedBytes = try Self.size(&reader)
      case (3, .int32): compressedBytes = try Self.size(&reader)
      case (4, .int32): checksum = UInt32(bitPattern: try reader.int32())
      case (5, .structure): try readDataPage(&reader)
      case (7, .structure): try readDictionaryPage(&reader)
      case (8, .structure): try readDataPageV2(&reader)
      default: try reader.skip(field.type)
      }
    }
    guard kind != nil, kind == .index || valueCount >= 0 else {
      throw .malformed("A page header lacks its type or its number of values.")
    }
  }

  private mutating func readDataPage(_ reader: inout CompactReader) throws(LarderError) {
    var last: Int16 = 0
    while let field = try reader.field(after: &last) {
      switch (field.id, field.type) {
      case (1, .int32): valueCount = try Self.size(&reader)
      case (2, .int32): encoding = try reader.int32()
      case (3, .int32): definitionEncoding = try reader.int32()
      case (4, .int32): repetitionEncoding = try reader.int32()
      default: try reader.skip(field.type)
      }
    }
  }

  private mutating func readDictionaryPage(_ reader: inout CompactReader) throws(LarderError) {
    var last: Int16 = 0
    while let field = try reader.field(after: &last) {
      switch (field.id, field.type) {
      case (1, .int32): valueCount = try Self.size(&reader)
      case (2, .int32): encoding = try reader.int32()
      default: try reader.skip(field.type)
      }
    }
  }

  private mutating func readDataPageV2(_ reader: inout CompactReader) throws(LarderError) {
    var last: Int16 = 0
    while let field = try reader.field(after: &last) {
      switch (field.id, field.type) {
      case (1, .int32): valueCount = try Self.size(&reader)
      case (4, .int32): encoding = try reader.int32()
      case (5, .int32): definitionBytes = try Self.size(&reader)
      case (6, .int32): repetitionBytes = try Self.size(&reader)
      case (7, .no): isCompressed = false
      default: try reader.skip(field.type)
      }
    }
  }

  private static func size(_ reader: inout CompactReader) throws(LarderError) -> Int {
    let value = try reader.int32()
    guard value >= 0 else {
      throw .malformed("A page header says \(value) where a size or count belongs.")
    }
    return Int(value)
  }
}
