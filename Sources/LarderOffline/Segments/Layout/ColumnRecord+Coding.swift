import LarderColumns
import LarderEncodings

extension Section {
  func write(to record: inout RecordWriter) {
    record.write(offset)
    record.write(bytes)
    record.write(hash)
  }

  init(from record: inout RecordReader) throws(LarderError) {
    offset = try record.read(UInt64.self)
    bytes = try record.read(UInt64.self)
    hash = try record.read(UInt64.self)
  }
}

extension PageRecord {
  func write(to record: inout RecordWriter) {
    record.write(bodyOffset)
    record.write(bodyHash)
    record.write(bytesOffset)
    record.write(bytesHash)
    record.write(least)
    record.write(greatest)
    record.write(scale)
  }

  init(from record: inout RecordReader) throws(LarderError) {
    bodyOffset = try record.read(UInt64.self)
    bodyHash = try record.read(UInt64.self)
    bytesOffset = try record.read(UInt64.self)
    bytesHash = try record.read(UInt64.self)
    least = try record.read(UInt64.self)
    greatest = try record.read(UInt64.self)
    scale = try record.read(Int64.self)
  }
}

/// A column of a footer: its record, or why this version cannot read it.
///
/// An encoding or type of a later version fails its column alone.
enum ColumnEntry: Sendable {
  case known(ColumnRecord)
  case unknown(fieldID: UInt32, reason: String)
}

extension ColumnRecord {
  /// Added to the encoding's number where the column `isCoded`: an earlier version then does not know
  /// the encoding, and refuses this column alone.
  private static var codedFlag: UInt8 { 0x80 }

  /// Writes the record, led by its length, so that a reader can pass over it.
  func write(to footer: inout RecordWriter) {
    var record = RecordWriter()
    record.write(role.rawValue)
    record.write(fieldID)
    record.write(text: type.description)
    record.write(encoding.rawValue | (isCoded ? Self.codedFlag : 0))
    record.write(validity.rawValue)
    record.write(reference.rawValue)
    record.write(UInt64(rows))
    record.write(UInt64(nulls))
    record.write(UInt64(lanes))
    record.write(traits.rawValue)
    record.write(content.low)
    record.write(content.high)
    headers.write(to: &record)
    bodies.write(to: &record)
    if validity == .bitmap || validity == .sparse { validityBits.write(to: &record) }
    if validity == .sparse, !isCoded { ranks.write(to: &record) }
    switch encoding {
    case .dictionary:
      record.write(UInt64(dictionaryCount))
      dictionaryOffsets.write(to: &record)
      dictionaryValues.write(to: &record)
    case .fixedDictionary:
      record.write(UInt64(dictionaryCount))
      dictionaryValues.write(to: &record)
    case .plain: bytes.write(to: &record)
    case .symbols:
      dictionaryValues.write(to: &record)
      bytes.write(to: &record)
    case .list: for child in elements { child.write(to: &record) }
    case .lanes: break
    }
    record.write(UInt32(pages.count))
    for page in pages { page.write(to: &record) }
    if isCoded {
      record.write(imageBytes)
      record.write(textBytes)
      for page in pages {
        record.write(page.imageOffset)
        record.write(page.textOffset)
        record.write(UInt8((page.isPacked ? 1 : 0) | (page.hasPackedBytes ? 2 : 0)))
      }
    }
    footer.write(nested: record)
  }

  /// Reads a record written by `write`.
  ///
  /// - Throws: `corrupt` for counts that contradict one another.
  static func read(from footer: inout RecordReader) throws(LarderError) -> ColumnEntry {
    var record = try footer.readNested()
    let roleCode = try record.read(UInt8.self)
    let fieldID = try record.read(UInt32.self)
    let typeName = try record.readText()
    let encodingCode = try record.read(UInt8.self)
    let validityCode = try record.read(UInt8.self)
    let referenceCode = try record.read(UInt8.self)
    let type: DataType
    do throws(LarderError) { type = try DataType(named: typeName) } catch {
      return .unknown(fieldID: fieldID, reason: "the type \"\(typeName)\"")
    }
    guard let role = ColumnRole(rawValue: roleCode) else {
      return .unknown(fieldID: fieldID, reason: "the role \(roleCode)")
    }
    guard let encoding = ColumnEncoding(rawValue: encodingCode & ~codedFlag) else {
      return .unknown(fieldID: fieldID, reason: "the encoding \(encodingCode)")
    }
    guard let validity = ValidityMode(rawValue: validityCode) else {
      return .unknown(fieldID: fieldID, reason: "the validity mode \(validityCode)")
    }
    guard let reference = LaneReference(rawValue: referenceCode) else {
      return .unknown(fieldID: fieldID, reason: "the lane reference \(referenceCode)")
    }
    var column = ColumnRecord(role: role, fieldID: fieldID, type: type)
    column.encoding = encoding
    column.isCoded = encodingCode & codedFlag != 0
    column.validity = validity
    column.reference = reference
    try column.readBody(from: &record)
    return .known(column)
  }

  private mutating func readBody(from record: inout RecordReader) throws(LarderError) {
    rows = try record.read("The row count", in: 0...Int(Int32.max))
    nulls = try record.read("The null count", in: 0...rows)
    lanes = try record.read("The lane count", in: 0...Int(Int32.max))
    traits = LaneTraits(rawValue: try record.read(UInt32.self))
    content.low = try record.read(UInt64.self)
    content.high = try record.read(UInt64.self)
    headers = try Section(from: &record)
    bodies = try Section(from: &record)
    if validity == .bitmap || validity == .sparse { validityBits = try Section(from: &record) }
    if validity == .sparse, !isCoded { ranks = try Section(from: &record) }
    let dictionaryRange = 0...Limits.dictionaryEntries
    switch encoding {
    case .dictionary:
      dictionaryCount = try record.read("The dictionary's count", in: dictionaryRange)
      dictionaryOffsets = try Section(from: &record)
      dictionaryValues = try Section(from: &record)
    case .fixedDictionary:
      dictionaryCount = try record.read("The dictionary's count", in: dictionaryRange)
      dictionaryValues = try Section(from: &record)
    case .plain: bytes = try Section(from: &record)
    case .symbols:
      dictionaryValues = try Section(from: &record)
      bytes = try Section(from: &record)
    case .list:
      guard role != .elements, case .known(let child) = try Self.read(from: &record) else {
        throw record.failure("A list's elements are of an unknown kind.")
      }
      elements = [child]
    case .lanes: break
    }
    let count = Int(try record.read(UInt32.self))
    guard count == (lanes + Limits.pageRows - 1) / Limits.pageRows else {
      throw record.failure("\(count) pages were found for \(lanes) lanes.")
    }
    pages.reserveCapacity(count)
    for _ in 0..<count { pages.append(try PageRecord(from: &record)) }
    if isCoded { try readImage(from: &record) }
    guard record.remaining == 0 else {
      throw record.failure("A column's record has \(record.remaining) bytes too many.")
    }
  }

  /// Reads what a column has that `isCoded`.
  private mutating func readImage(from record: inout RecordReader) throws(LarderError) {
    guard role != .elements, lanes <= Limits.segmentRows + 1 else {
      throw record.failure("\(lanes) lanes are more than are packed by entropy.")
    }
    imageBytes = try record.read(UInt64.self)
    guard imageBytes <= UInt64((lanes + 1_023) / 1_024 * 8_320 + 64) else {
      throw record.failure("\(imageBytes) bytes are too many for \(lanes) lanes.")
    }
    textBytes = try record.read(UInt64.self)
    guard textBytes <= Limits.segmentBytes, hasBytes || textBytes == 0 else {
      throw record.failure("\(textBytes) bytes of texts are impossible.")
    }
    var least = (image: UInt64(0), text: UInt64(0))
    for index in pages.indices {
      var page = pages[index]
      page.imageOffset = try record.read(UInt64.self)
      page.textOffset = try record.read(UInt64.self)
      let form = try record.read(UInt8.self)
      page.isPacked = form & 1 != 0
      page.hasPackedBytes = form & 2 != 0
      guard form <= 3, page.imageOffset >= least.image, page.imageOffset <= imageBytes,
        page.imageOffset % 8 == 0, page.textOffset >= least.text, page.textOffset <= textBytes,
        index > 0 || page.imageOffset == 0 && page.textOffset == 0,
        !page.hasPackedBytes || encoding == .plain
      else { throw record.failure("Page \(index) has impossible bounds once unpacked.") }
      least = (page.imageOffset, page.textOffset)
      pages[index] = page
    }
  }
}
