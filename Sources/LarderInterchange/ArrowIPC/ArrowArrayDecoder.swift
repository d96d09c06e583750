import LarderColumns

/// Where a column's nodes and buffers lie among those of its batch.
struct ArrowPlace {
  var node = 0
  var buffer = 0
  var variadic = 0

  /// Passes over a field and those below it.
  mutating func pass(_ field: ArrowField, _ body: any ArrowBody) throws(LarderError) {
    node += 1
    buffer += field.bufferCount
    if field.dictionary != nil { return }
    if field.kind == .view {
      guard variadic < body.variadicCounts.count, body.variadicCounts[variadic] >= 0,
        body.variadicCounts[variadic] <= 1 << 24
      else { throw .malformed("A batch does not say how many buffers its views have.") }
      buffer += Int(body.variadicCounts[variadic])
      variadic += 1
    }
    for child in field.children { try pass(child, body) }
  }
}

/// Turns the buffers of one column of a batch into a column.
struct ArrowArrayDecoder {
  let body: any ArrowBody
  let keepsDictionaries: Bool
  /// The dictionaries that came before the batch, by identifier.
  let dictionaries: [Int64: Column]

  /// Decodes a field.
  ///
  /// - Parameter inList: elements of lists are never dictionaries.
  func column(
    _ field: ArrowField, _ place: ArrowPlace, inList: Bool = false
  ) throws(LarderError) -> Column {
    let (count, nulls) = try body.node(place.node)
    if field.kind == .null, field.dictionary == nil { return .nulls(field.dataType, count: count) }
    let valid = try validity(place, count, nulls)
    if let encoding = field.dictionary {
      return try dictionaryColumn(field, encoding, place, count, valid, inList)
    }
    let (validity, nullCount) = valid
    func fixed(_ values: Buffer) -> Column {
      Column(
        type: field.dataType, count: count, nullCount: nullCount, validity: validity,
        values: values)
    }
    switch field.kind {
    case .bool: return fixed(try body.buffer(place.buffer + 1, atLeast: (count + 7) / 8, "bools"))
    case .words(let width):
      return fixed(try body.buffer(place.buffer + 1, atLeast: count * width, "values"))
    case .integer(let bits, let signed):
      let raw = try body.buffer(place.buffer + 1, atLeast: count * bits / 8, "integers")
      if field.isUnsignedText { return try unsignedTexts(raw, count, validity, nullCount) }
      return fixed(
        try widenIntegers(raw, count, bits, signed, to: field.dataType, validity))
    case .float(let bits):
      let raw = try body.buffer(place.buffer + 1, atLeast: count * bits / 8, "floats")
      if bits != 16 { return fixed(raw) }
      let wide = Buffer(uninitializedBytes: count * 4)
      unsafe try convertFixed(.float16, raw.base, count: count, width: 4, into: wide.base)
      return fixed(wide)
    case .decimal, .fixedBytes:
      return try fixedTexts(field, place, count, validity, nullCount)
    case .variable(let large):
      return try variable(field, place, count, large, validity, nullCount)
    case .view: return try views(field, place, count, validity, nullCount)
    case .list(let large): return try list(field, place, count, large, validity, nullCount)
    case .fixedList(let size): return try fixedList(field, place, count, size, validity, nullCount)
    case .null, .group, .refused: throw LarderError(.unsupported, "The column is not read.")
    }
  }

  /// The validity bitmap, and how many of its bits are 0: the file's own count is not trusted.
  func validity(
    _ place: ArrowPlace, _ count: Int, _ nulls: Int
  ) throws(LarderError) -> (Buffer?, Int) {
    if nulls == 0 { return (nil, 0) }
    if case let buffer = place.buffer, body.isEmpty(buffer) {
      throw .malformed("A column with \(nulls) nulls has no validity bitmap.")
    }
    let bits = try body.buffer(place.buffer, atLeast: (count + 7) / 8, "validity bits")
    var ones = 0
    for byte in 0..<(count / 8) { ones += unsafe bits.bytes[byte].nonzeroBitCount }
    for row in (count / 8 * 8)..<count { ones += unsafe bit(bits.base, row) ? 1 : 0 }
    return ones == count ? (nil, 0) : (bits, count - ones)
  }

  private func dictionaryColumn(
    _ field: ArrowField, _ encoding: ArrowDictionaryEncoding, _ place: ArrowPlace, _ count: Int,
    _ valid: (bits: Buffer?, nulls: Int), _ inList: Bool
  ) throws(LarderError) -> Column {
    guard let values = dictionaries[encoding.identifier] else {
      throw .malformed("The dictionary \(encoding.identifier) has not come before its batch.")
    }
    let raw = try body.buffer(place.buffer + 1, atLeast: count * encoding.bits / 8, "indexes")
    let indexes = Buffer(uninitializedBytes: count * 4)
    try checkIndexes(raw, encoding, count, below: values.count, valid.bits, into: indexes)
    let dictionary = Column(
      type: values.type, count: count, nullCount: valid.nulls, validity: valid.bits,
      values: indexes, child: values, isDictionary: true)
    // Null entries, and lists, cannot stay behind an index.
    let keeps =
      keepsDictionaries && !inList && values.nullCount == 0
      && values.type.layout == .variable
    return keeps ? dictionary : try dictionary.flattened()
  }

  /// Copies indexes as Int32; those of valid rows must lie in the dictionary, others become 0.
  private func checkIndexes(
    _ raw: Buffer, _ encoding: ArrowDictionaryEncoding, _ count: Int, below bound: Int,
    _ validity: Buffer?, into indexes: Buffer
  ) throws(LarderError) {
    let source = unsafe raw.base
    let target = unsafe indexes.base.assumingMemoryBound(to: Int32.self)
    defer { withExtendedLifetime((raw, indexes)) {} }
    for row in 0..<count {
      let index: Int64 =
        switch (encoding.bits, encoding.signed) {
        case (8, true): unsafe Int64(source.load(fromByteOffset: row, as: Int8.self))
        case (8, false): unsafe Int64(source.load(fromByteOffset: row, as: UInt8.self))
        case (16, true): unsafe Int64(source.loadUnaligned(fromByteOffset: row * 2, as: Int16.self))
        case (16, false):
          unsafe Int64(source.loadUnaligned(fromByteOffset: row * 2, as: UInt16.self))
        case (32, true): unsafe Int64(source.loadUnaligned(fromByteOffset: row * 4, as: Int32.self))
        case (32, false):
          unsafe Int64(source.loadUnaligned(fromByteOffset: row * 4, as: UInt32.self))
        case (64, _): unsafe source.loadUnaligned(fromByteOffset: row * 8, as: Int64.self)
        default: -1
        }
      if index >= 0, index < Int64(bound) {
        unsafe target[row] = Int32(truncatingIfNeeded: index)
      } else {
        let isNull = if let validity { unsafe !bit(validity.base, row) } else { false }
        guard isNull else {
          throw .malformed("Index \(index) into a dictionary of \(bound) values.")
        }
        unsafe target[row] = 0
      }
    }
  }

  private func list(
    _ field: ArrowField, _ place: ArrowPlace, _ count: Int, _ large: Bool, _ validity: Buffer?,
    _ nulls: Int
  ) throws(LarderError) -> Column {
    let elements = try element(field, place)
    let offsets = try offsets(place, count, large, limit: elements.count)
    return Column(
      type: field.dataType, count: count, nullCount: nulls, validity: validity, values: offsets,
      child: elements)
  }

  private func fixedList(
    _ field: ArrowField, _ place: ArrowPlace, _ count: Int, _ size: Int, _ validity: Buffer?,
    _ nulls: Int
  ) throws(LarderError) -> Column {
    let elements = try element(field, place)
    guard size == 0 || count <= elements.count / size else {
      throw .malformed("\(count) lists of \(size) elements have \(elements.count) elements.")
    }
    let offsets = Buffer(uninitializedBytes: (count + 1) * 4)
    for row in 0...count {
      let offset = Int32(truncatingIfNeeded: row * size)
      unsafe offsets.base.storeBytes(of: offset, toByteOffset: row * 4, as: Int32.self)
    }
    return Column(
      type: field.dataType, count: count, nullCount: nulls, validity: validity, values: offsets,
      child: elements)
  }

  private func element(_ field: ArrowField, _ place: ArrowPlace) throws(LarderError) -> Column {
    guard let child = field.children.first else { throw .malformed("A list without a child.") }
    var below = place
    below.node += 1
    below.buffer += field.bufferCount
    return try column(child, below, inList: true)
  }

  /// Int32 offsets, in order and within a limit.
  private func offsets(
    _ place: ArrowPlace, _ count: Int, _ large: Bool, limit: Int
  ) throws(LarderError) -> Buffer {
    // A column without rows may have no offsets at all.
    if count == 0 { return Buffer(zeroedBytes: 4) }
    let width = large ? 8 : 4
    let raw = try body.buffer(place.buffer + 1, atLeast: (count + 1) * width, "offsets")
    let narrow = large ? Buffer(uninitializedBytes: (count + 1) * 4) : raw
    var before: Int64 = 0
    for row in 0...count {
      let offset =
        large
        ? unsafe raw.base.loadUnaligned(fromByteOffset: row &* 8, as: Int64.self)
        : unsafe Int64(raw.base.loadUnaligned(fromByteOffset: row &* 4, as: Int32.self))
      guard offset >= before, offset <= Int64(limit) else {
        throw .malformed("An offset of \(offset) after \(before), where \(limit) is the end.")
      }
      if large {
        guard offset <= Int64(Limits.columnBytes) else { throw ValueStream.tooLong }
        unsafe narrow.base.storeBytes(
          of: Int32(truncatingIfNeeded: offset), toByteOffset: row &* 4, as: Int32.self)
      }
      before = offset
    }
    return narrow
  }

  private func variable(
    _ field: ArrowField, _ place: ArrowPlace, _ count: Int, _ large: Bool, _ validity: Buffer?,
    _ nulls: Int
  ) throws(LarderError) -> Column {
    let bytes = try body.buffer(place.buffer + 2, atLeast: 0, "bytes")
    let offsets = try offsets(place, count, large, limit: bytes.count)
    let column = Column(
      type: field.dataType, count: count, nullCount: nulls, validity: validity, values: offsets,
      bytes: bytes)
    try checkText(column)
    return column
  }
}

/// Checks that text is UTF-8.
///
/// - Throws: `invalidInput` if it is not.
func checkText(_ column: Column) throws(LarderError) {
  guard column.type == .string || column.type == .json, let bytes = column.bytes else { return }
  if let row = unsafe firstInvalidText(bytes.bytes, offsets: column.offsets), column.isValid(row) {
    throw LarderError(.invalidInput, "Text that is not UTF-8.", row: row)
  }
}
