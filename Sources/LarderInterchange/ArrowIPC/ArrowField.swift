import LarderColumns

/// A field of an Arrow schema: what its buffers are and what it becomes.
struct ArrowField {
  /// The types of Arrow's format.
  enum Kind: Equatable {
    case null
    case integer(bits: Int, signed: Bool)
    case float(bits: Int)
    case variable(large: Bool)
    case view
    case bool
    case decimal(bytes: Int, scale: Int)
    /// Fixed-width words taken as they are.
    case words(bytes: Int)
    case fixedBytes(Int)
    case list(large: Bool)
    case fixedList(Int)
    /// A group (struct), whose children are columns.
    case group
    /// What is not read: how many buffers it has, and its name.
    case refused(buffers: Int, name: String)
  }

  var name = ""
  var kind = Kind.null
  /// The column's type; for a list, of its elements' list.
  var dataType = DataType.string
  var children: [ArrowField] = []
  var dictionary: ArrowDictionaryEncoding?
  /// Of a timestamp: the zone it names.
  var zone: String?
  /// Whether unsigned integers of 64 bits are text.
  var isUnsignedText: Bool { kind == .integer(bits: 64, signed: false) && dataType == .string }

  /// What a copy of the column has to say of it.
  var origin: ColumnOrigin {
    ColumnOrigin(zone: (children.first?.zone ?? zone), of: dataType)
  }

  /// How deep fields may nest, and how many there may be in all: a few bytes can name the same
  /// children again and again.
  static let depthLimit = 64
  static let countLimit = 65_536

  /// How many buffers the field has of its own in a batch, without those that vary in number.
  var bufferCount: Int {
    if dictionary != nil { return 2 }
    return switch kind {
    case .null: 0
    case .integer, .float, .bool, .decimal, .words, .fixedBytes, .list, .view: 2
    case .variable: 3
    case .fixedList, .group: 1
    case .refused(let buffers, _): buffers
    }
  }

  /// Why the column cannot be read, or nil.
  var refusal: LarderError? {
    func refused(_ name: String) -> LarderError {
      LarderError(
        .unsupported,
        "\(name) are not read; leave the column out by naming the columns to read.",
        column: self.name)
    }
    switch kind {
    case .refused(_, let name): return refused(name)
    case .group: return refused("Groups (structs)")
    case .list, .fixedList:
      guard let child = children.first, children.count == 1 else {
        return refused("Lists without a child")
      }
      switch child.kind {
      case .list, .fixedList: return refused("Lists of lists")
      case .group: return refused("Lists of groups")
      case .refused(_, let name): return refused("Lists of what is not read: \(name)")
      default: return nil
      }
    default: return nil
    }
  }
}

/// How a field refers to a dictionary.
struct ArrowDictionaryEncoding {
  var identifier: Int64
  var bits: Int
  var signed: Bool
}

extension ArrowField {
  /// Reads a field of a schema and those below it.
  ///
  /// - Parameters:
  ///   - budget: how many fields may still be read.
  ///   - unsignedTexts: whether unsigned integers of 64 bits are text.
  init(_ table: FlatTable, budget: inout Int, depth: Int = 0, unsignedTexts: Bool = false)
    throws(LarderError)
  {
    budget -= 1
    guard depth < ArrowField.depthLimit, budget >= 0 else {
      throw LarderError(
        .limitExceeded,
        "The schema nests deeper than \(ArrowField.depthLimit) or has too many fields.")
    }
    name = try table.text(0) ?? ""
    for index in 0..<(try table.tableCount(5)) {
      children.append(
        try ArrowField(
          try table.table(5, at: index), budget: &budget, depth: depth + 1,
          unsignedTexts: unsignedTexts))
    }
    if let encoding = try table.table(4) {
      let index = try encoding.table(1)
      dictionary = ArrowDictionaryEncoding(
        identifier: try encoding.scalar(0, default: Int64(0)),
        bits: Int(try index?.scalar(0, default: Int32(32)) ?? 32),
        signed: try index?.bool(1) ?? true)
    }
    var extensionName: String?
    for index in 0..<(try table.tableCount(6)) {
      let pair = try table.table(6, at: index)
      if try pair.text(0) == "ARROW:extension:name" { extensionName = try pair.text(1) }
    }
    try readType(try table.scalar(2, default: UInt8(0)), try table.table(3), extensionName)
    if unsignedTexts, kind == .integer(bits: 64, signed: false), dictionary == nil {
      dataType = .string
    }
  }

  private mutating func readType(
    _ tag: UInt8, _ type: FlatTable?, _ extensionName: String?
  ) throws(LarderError) {
    func short(_ field: Int, _ value: Int16) throws(LarderError) -> Int {
      Int(try type?.scalar(field, default: value) ?? value)
    }
    func int(_ field: Int, _ value: Int32) throws(LarderError) -> Int {
      Int(try type?.scalar(field, default: value) ?? value)
    }
    switch tag {
    case 1: (kind, dataType) = (.null, .string)
    case 2: try readInteger(bits: int(0, 0), signed: type?.bool(1) ?? false)
    case 3:
      let bits = try [16, 32, 64].element(short(0, 0))
      (kind, dataType) = (.float(bits: bits), bits == 64 ? .float64 : .float32)
    case 4, 19: (kind, dataType) = (.variable(large: tag == 19), .bytes)
    case 5, 20:
      (kind, dataType) = (.variable(large: tag == 20), .string)
      if extensionName == "arrow.json" { dataType = .json }
    case 6: (kind, dataType) = (.bool, .bool)
    case 7: try readDecimal(bits: int(2, 128), scale: int(1, 0))
    case 8:
      let isDay = try short(0, 1) == 0
      (kind, dataType) = (.words(bytes: isDay ? 4 : 8), isDay ? .date : .timestamp(.milliseconds))
    case 9:
      let bits = try int(1, 32)
      kind = bits == 64 ? .words(bytes: 8) : .integer(bits: 32, signed: true)
      dataType = .int64
    case 10:
      (kind, dataType) = (.words(bytes: 8), .timestamp(try Self.unit(short(0, 0))))
      zone = try type?.text(1)
    case 11:
      let bytes = try [4, 8, 16].element(short(0, 0))
      (kind, dataType) = (.fixedBytes(bytes), .opaque(tag: "interval"))
    case 12, 21: try readList(.list(large: tag == 21))
    case 15: try readFixedBytes(int(0, 0), extensionName)
    case 16:
      let size = try int(0, 0)
      guard size >= 0, size <= Limits.batchRows else {
        throw .malformed("A list of \(size) elements.")
      }
      try readList(.fixedList(size))
    case 18: (kind, dataType) = (.words(bytes: 8), .int64)
    case 23: (kind, dataType) = (.view, .bytes)
    case 24: (kind, dataType) = (.view, extensionName == "arrow.json" ? .json : .string)
    default: try readRefused(tag, mode: short(0, 0))
    }
  }

  private mutating func readInteger(bits: Int, signed: Bool) throws(LarderError) {
    guard [8, 16, 32, 64].contains(bits) else {
      kind = .refused(buffers: 2, name: "Integers of \(bits) bits")
      return
    }
    kind = .integer(bits: bits, signed: signed)
    dataType = bits == 64 || bits == 32 && !signed ? .int64 : .int32
  }

  private mutating func readDecimal(bits: Int, scale: Int) throws(LarderError) {
    guard [32, 64, 128, 256].contains(bits), scale >= 0, scale <= LeafType.decimalScaleLimit
    else {
      kind = .refused(buffers: 2, name: "Decimals of \(bits) bits and scale \(scale)")
      return
    }
    (kind, dataType) = (.decimal(bytes: bits / 8, scale: scale), .decimal)
  }

  private mutating func readFixedBytes(_ width: Int, _ extensionName: String?) throws(LarderError) {
    guard width >= 0, width <= Limits.valueBytes else {
      throw .malformed("Values of \(width) bytes.")
    }
    (kind, dataType) = (.fixedBytes(width), .bytes)
    if extensionName == "arrow.uuid", width == 16 { dataType = .uuid }
  }

  private mutating func readList(_ kind: Kind) throws(LarderError) {
    self.kind = kind
    dataType = .list(children.first?.dataType ?? .bytes)
  }

  private mutating func readRefused(_ tag: UInt8, mode: Int) throws(LarderError) {
    switch tag {
    case 13: kind = .group
    case 14: kind = .refused(buffers: mode == 0 ? 1 : 2, name: "Unions")
    case 17: kind = .refused(buffers: 2, name: "Maps")
    case 22: kind = .refused(buffers: 0, name: "Run-end encoded columns")
    case 25, 26: kind = .refused(buffers: 3, name: "List views")
    default:
      throw LarderError(.unsupported, "Arrow's type number \(tag) is not known.", column: name)
    }
  }

  private static func unit(_ raw: Int) throws(LarderError) -> TimeUnit {
    guard let byte = UInt8(exactly: raw), let unit = TimeUnit(rawValue: byte) else {
      throw .malformed("Time unit number \(raw).")
    }
    return unit
  }
}

extension [Int] {
  /// The element that an enum's number stands for.
  fileprivate func element(_ index: Int) throws(LarderError) -> Int {
    guard indices.contains(index) else { throw .malformed("Enum value \(index) in the metadata.") }
    return self[index]
  }
}
