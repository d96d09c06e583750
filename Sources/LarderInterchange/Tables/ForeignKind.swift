import LarderColumns

/// Kinds of files that are not read, told by their first bytes so that they can be named.
enum ForeignKind {
  fileprivate struct Mark {
    var bytes: [UInt8]
    var name: String
    var advice: String
  }

  private static let columnar = "save it as Parquet or CSV"
  private static let marks: [Mark] = [
    Mark(Array("PK\u{3}\u{4}".utf8), "a zip archive or an Excel workbook (xlsx)", "save it as CSV"),
    Mark([0xD0, 0xCF, 0x11, 0xE0], "an old Excel workbook (xls)", "save it as CSV"),
    Mark(Array("Obj\u{1}".utf8), "an Avro file", columnar),
    Mark(Array("ORC".utf8), "an ORC file", columnar),
    Mark(
      Array("FEA1".utf8), "a Feather V1 file",
      "read it with pyarrow.feather and write it with version=2"),
    Mark(
      Array("version https://git-lfs".utf8), "a Git LFS pointer, not the file itself",
      "fetch it with git lfs pull"),
    Mark(Array("BZh".utf8), "a bzip2 file", "decompress it; gzip and zstd are read as they are"),
    Mark(
      [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "an xz file",
      "decompress it; gzip and zstd are read as they are"),
    Mark(Array("SQLite format 3".utf8), "an SQLite database", "export the table as CSV"),
    Mark([0x89, 0x48, 0x44, 0x46], "an HDF5 file", columnar),
    Mark([0x93] + Array("NUMPY".utf8), "a NumPy array", columnar),
    Mark(Array("%PDF".utf8), "a PDF", "find the data that it was made from"),
    Mark(Array("SEQ\u{6}".utf8), "a Hadoop SequenceFile", columnar),
    Mark([0x80, 0x04, 0x95], "a Python pickle", columnar),
    Mark([0x80, 0x05, 0x95], "a Python pickle", columnar),
  ]

  /// How many bytes of a file's start are looked at.
  static let leadBytes = 512

  /// Why a file that is none of the known formats is not read; nil for what may be text.
  ///
  /// - Parameter lead: the file's first bytes.
  static func refusal(_ lead: [UInt8]) -> LarderError? {
    for mark in marks where lead.starts(with: mark.bytes) {
      return LarderError(.unsupported, "It is \(mark.name), which is not read; \(mark.advice).")
    }
    if let encoding = encoding(lead) {
      return LarderError(
        .unsupported,
        "It is text in \(encoding), which is not read; convert it: iconv -f \(encoding) -t UTF-8.")
    }
    if isJSON(lead) {
      return LarderError(
        .unsupported, "It is JSON, which is not read; \(columnar).")
    }
    if isLegacyArrow(lead) {
      return LarderError(
        .unsupported,
        "It is an Arrow stream of before version 0.15, which is not read; write it again.")
    }
    return nil
  }

  /// The encoding of text whose characters take more than a byte each.
  private static func encoding(_ lead: [UInt8]) -> String? {
    if lead.starts(with: [0xFF, 0xFE, 0, 0]) { return "UTF-32LE" }
    if lead.starts(with: [0, 0, 0xFE, 0xFF]) { return "UTF-32BE" }
    if lead.starts(with: [0xFF, 0xFE]) { return "UTF-16LE" }
    if lead.starts(with: [0xFE, 0xFF]) { return "UTF-16BE" }
    // ASCII text in UTF-16 has a zero in every other byte.
    guard lead.count >= 8 else { return nil }
    let pairs = lead.count / 2
    let (even, odd) = (0..<pairs).reduce(into: (0, 0)) { zeros, pair in
      zeros.0 += lead[2 * pair] == 0 ? 1 : 0
      zeros.1 += lead[2 * pair + 1] == 0 ? 1 : 0
    }
    if odd * 10 >= pairs * 9, even == 0 { return "UTF-16LE" }
    if even * 10 >= pairs * 9, odd == 0 { return "UTF-16BE" }
    return nil
  }

  /// Whether the text begins as a JSON object or array does, and no header of CSV.
  private static func isJSON(_ lead: [UInt8]) -> Bool {
    let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
    let start = lead.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    let rest = lead[start...].drop(while: isSpace)
    guard let first = rest.first else { return false }
    let inner = rest.dropFirst().drop(while: isSpace)
    guard let second = inner.first else { return false }
    if first == UInt8(ascii: "{") {
      guard second == UInt8(ascii: "\"") else { return second == UInt8(ascii: "}") }
      // {"name": and not a header's cell.
      let name = inner.dropFirst().drop { $0 != UInt8(ascii: "\"") }
      return name.dropFirst().drop(while: isSpace).first == UInt8(ascii: ":")
    }
    guard first == UInt8(ascii: "[") else { return false }
    return second == UInt8(ascii: "{") || second == UInt8(ascii: "[")
      || second == UInt8(ascii: "]")
  }

  /// Whether the bytes are the length of a message's header and then the header, as streams began
  /// before the mark 0xFFFFFFFF.
  private static func isLegacyArrow(_ lead: [UInt8]) -> Bool {
    guard lead.count >= 16 else { return false }
    let length = lead.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    // The root of a flat buffer lies near its start, behind a table of fields.
    let root = lead[4..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    return length > 0 && length < 1 << 20 && length % 4 == 0 && root >= 4 && root < 64
      && root % 2 == 0 && lead[3] == 0 && lead[7] == 0
  }
}

extension ForeignKind.Mark {
  fileprivate init(_ bytes: [UInt8], _ name: String, _ advice: String) {
    self.init(bytes: bytes, name: name, advice: advice)
  }
}
