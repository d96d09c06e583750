import LarderColumns

// Field numbers are those of parquet.thrift in apache/parquet-format. A known field of another
// type than it should have is passed over, and then missing.

extension CompactReader {
  /// Reads a list of structs.
  fileprivate mutating func structures<Element>(
    _ read: (inout CompactReader) throws(LarderError) -> Element
  ) throws(LarderError) -> [Element] {
    let (type, count) = try list()
    guard type == .structure || count == 0 else {
      throw .malformed("A list of \(type) stands where structs belong.", offset: position)
    }
    var elements: [Element] = []
    for _ in 0..<count { elements.append(try read(&self)) }
    return elements
  }

  /// A count or offset: not negative.
  fileprivate mutating func size(_ what: String) throws(LarderError) -> Int {
    let value = try int64()
    guard value >= 0 else {
      throw .malformed("The metadata says that \(what) is \(value).", offset: position)
    }
    return Int(value)
  }
}

extension FileMetadata {
  /// Reads a footer.
  ///
  /// - Throws: `invalidInput` if the bytes are not a footer or lack what one must have.
  init(_ reader: inout CompactReader) throws(LarderError) {
    var last: Int16 = 0
    var hasRows = false
    while let field = try reader.field(after: &last) {
      switch (field.id, field.type) {
      case (2, .list): elements = try reader.structures(SchemaElement.init)
      case (3, .int64):
        rowCount = try reader.size("the number of rows")
        hasRows = true
      case (4, .list): rowGroups = try reader.structures(RowGroup.init)
      case (6, .binary): createdBy = try reader.text()
      case (7, .list): typeOrders = try reader.structures(Self.isTypeOrder)
      case (8, .structure):
        throw LarderError(.unsupported, "The file is encrypted, which is not read.")
      default: try reader.skip(field.type)
      }
    }
    guard hasRows, !elements.isEmpty else {
      throw .malformed("The footer names no schema or no number of rows.")
    }
  }

  private static func isTypeOrder(_ reader: inout CompactReader) throws(LarderError) -> Bool {
    var last: Int16 = 0
    var isType = false
    while let field = try reader.field(after: &last) {
      if field.id == 1 { isType = true }
      try reader.skip(field.type)
    }
    return isType
  }
}

extension SchemaElement {
  init(_ reader: inout CompactReader) throws(LarderError) {
    var last: Int16 = 0
    var converted: Int32?
    var logical: Annotation?
    var hasName = false
    while let field = try reader.field(after: &last) {
      switch (field.id, field.type) {
      case (1, .int32):
        let raw = try reader.int32()
        type = PhysicalType(rawValue: raw)
        if type == nil { unknownType = raw }
      case (2, .int32): typeLength = Int(try reader.int32())
      case (3, .int32): repetition = Repetition(rawValue: try reader.int32())
      case (4, .binary):
        name = try reader.text()
        hasName = true
      case (5, .int32): children = try reader.size("a number of children")
      case (6, .int32): converted = try reader.int32()
      case (7, .int32): scale = Int(try reader.int32())
      case (10, .structure): logical = try Annotation(logical: &reader)
      default: try reader.skip(field.type)
      }
    }
    guard hasName else { throw .malformed("A column of the schema has no name.") }
    // A logical type that this reader does not know leaves the physical type, as the format says.
    annotation = logical ?? converted.map { Annotation(converted: $0, scale: scale) } ?? .none
  }
}

extension Annotation {
  /// Reads the logical type, a union: exactly one field is set.
  init(logical reader: inout CompactReader) throws(LarderError) {
    self = .none
    var last: Int16 = 0
    while let field = try reader.field(after: &last) {
      guard field.type == .structure else {
        try reader.skip(field.type)
        continue
      }
      switch field.id {
      case 5: self = try Self.decimal(&reader)
      case 7: self = .time(try Self.time(&reader).unit)
      case 8:
        let (unit, isInstant) = try Self.time(&reader)
        self = .timestamp(unit, isInstant: isInstant)
      case 10: self = try Self.integer(&reader)
      default:
        try reader.skip(.structure)
        if let plain = Self.plain[field.id] { self = plain }
      }
    }
  }

  private static let plain: [Int16: Annotation] = [
    1: .string, 2: .map, 3: .list, 4: .string, 6: .date, 11: .null, 12: .json, 13: .bson, 14: .uuid,
    15: .float16, 16: .variant, 17: .geospatial, 18: .geospatial,
  ]

  private static func decimal(_ reader: inout CompactReader) throws(LarderError) -> Annotation {
    var last: Int16 = 0
    var scale = 0
    while let field = try reader.field(after: &last) {
      if field.id == 1, field.type == .int32 {
        scale = Int(try reader.int32())
      } else {
        try reader.skip(field.type)
      }
    }
    return .decimal(scale: scale)
  }

  private static func time(
    _ reader: inout CompactReader
  ) throws(LarderError) -> (unit: TimeUnit, isInstant: Bool) {
    var last: Int16 = 0
    var unit: TimeUnit?
    var isInstant = false
    while let field = try reader.field(after: &last) {
      if field.id == 1, field.type == .yes { isInstant = true }
      guard field.id == 2, field.type == .structure else {
        try reader.skip(field.type)
        continue
      }
      var inner: Int16 = 0
      while let choice = try reader.field(after: &inner) {
        switch choice.id {
        case 1: unit = .milliseconds
        case 2: unit = .microseconds
        case 3: unit = .nanoseconds
        default: break
        }
        try reader.skip(choice.type)
      }
    }
    guard let unit else { throw LarderError(.unsupported, "A time of an unknown unit.") }
    return (unit, isInstant)
  }

  private static func integer(_ reader: inout CompactReader) throws(LarderError) -> Annotation {
    var last: Int16 = 0
    var bits = 0
    var signed = true
    while let field = try reader.field(after: &last) {
      switch (field.id, field.type) {
      case (1, .byte): bits = Int(try reader.byte())
      case (2, .yes): signed = true
      case (2, .no): signed = false
      default: try reader.skip(field.type)
      }
    }
    return .integer(bits: bits, signed: signed)
  }

  /// The meaning of a converted type, the older form.
  init(converted: Int32, scale: Int) {
    switch converted {
    case 0, 4: self = .string
    case 1, 2: self = .map
    case 3: self = .list
    case 5: self = .decimal(scale: scale)
    case 6: self = .date
    case 7: self = .time(.milliseconds)
    case 8: self = .time(.microseconds)
    case 9: self = .timestamp(.milliseconds, isInstant: true)
    case 10: self = .timestamp(.microseconds, isInstant: true)
    case 11...14: self = .integer(bits: 8 << Int(converted - 11), signed: false)
    case 15...18: self = .integer(bits: 8 << Int(converted - 15), signed: true)
    case 19: self = .json
    case 20: self = .bson
    case 21: self = .interval
    default: self = .none
    }
  }
}

extension RowGroup {
  init(_ reader: inout CompactReader) throws(LarderError) {
    var last: Int16 = 0
    var hasRows = false
    while let field = try reader.field(after: &last) {
      switch (field.id, field.type) {
      case (1, .list): chunks = try reader.structures(ColumnChunk.init)
      case (3, .int64):
        rowCount = try reader.size("the number of rows of a row group")
        hasRows = true
      default: try reader.skip(field.type)
      }
    }
    guard hasRows else { throw .malformed("A row group has no number of rows.") }
  }
}

extension ColumnChunk {
  init(_ reader: inout CompactReader) throws(LarderError) {
    var last: Int16 = 0
    while let field = try reader.field(after: &last) {
      switch (field.id, field.type) {
      case (1, .binary): externalFile = try reader.text()
      case (3, .structure): try readMetadata(&reader)
      case (8, .structure):
        isEncrypted = true
        try reader.skip(.structure)
      default: try reader.skip(field.type)
      }
    }
  }

  private mutating func readMetadata(_ reader: inout CompactReader) throws(LarderError) {
    var last: Int16 = 0
    var found: Set<Int16> = []
    while let field = try reader.field(after: &last) {
      found.insert(field.id)
      switch (field.id, field.type) {
      case (1, .int32): type = PhysicalType(rawValue: try reader.int32())
      case (4, .int32): codec = try reader.int32()
      case (5, .int64): valueCount = try reader.size("the number of values of a column")
      case (6, .int64): uncompressedBytes = try reader.size("the size of a column")
      case (7, .int64): compressedBytes = try reader.size("the compressed size of a column")
      case (9, .int64): dataPageOffset = try reader.size("the place of a column's pages")
      case (11, .int64): dictionaryPageOffset = try reader.size("the place of a dictionary")
      case (12, .structure): statistics = try ChunkStatistics(&reader)
      default:
        found.remove(field.id)
        try reader.skip(field.type)
      }
    }
    guard found.isSuperset(of: [1, 4, 5, 7, 9]) else {
      throw .malformed("A column chunk lacks its type, codec, count, size or place.")
    }
    hasMetadata = true
  }
}

extension ChunkStatistics {
  init(_ reader: inout CompactReader) throws(LarderError) {
    var last: Int16 = 0
    while let field = try reader.field(after: &last) {
      switch (field.id, field.type) {
      case (1, .binary): signedMaximum = try reader.data()
      case (2, .binary): signedMinimum = try reader.data()
      case (3, .int64): nullCount = Int(try reader.int64())
      case (5, .binary): maximum = try reader.data()
      case (6, .binary): minimum = try reader.data()
      default: try reader.skip(field.type)
      }
    }
  }
}
