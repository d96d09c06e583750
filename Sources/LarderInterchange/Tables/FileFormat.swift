import LarderColumns

/// The formats of tables in files that are told apart by content.
package enum FileFormat: String, Sendable, Hashable, CaseIterable {
  /// Apache Parquet.
  case parquet
  /// An Arrow IPC file ("Feather V2"), which has a footer.
  case arrowFile
  /// An Arrow IPC stream.
  case arrowStream
  /// Text: what is none of the others.
  case text

  /// How many bytes of a file's start `detect` looks at.
  package static let leadBytes = ForeignKind.leadBytes

  /// The format that a file's first bytes name.
  ///
  /// Anything without a known mark is taken for text, which its reader checks.
  ///
  /// - Parameter lead: the first bytes of the file, at least `leadBytes` of them if it has so many.
  /// - Throws: `unsupported` for another kind of file that is known, by its name.
  package static func detect(
    _ lead: some Collection<UInt8>
  ) throws(LarderError) -> FileFormat {
    let lead = Array(lead.prefix(leadBytes))
    if lead.starts(with: Array("PAR1".utf8)) || lead.starts(with: Array("PARE".utf8)) {
      return .parquet
    }
    if lead.starts(with: Array("ARROW1".utf8)) { return .arrowFile }
    // A message of a stream starts with 0xFFFFFFFF and the length of its header, which is a
    // multiple of 8; no text starts so, since 0xFF is not UTF-8.
    if lead.count >= 8, lead.prefix(4).allSatisfy({ $0 == 0xFF }) { return .arrowStream }
    if let refusal = ForeignKind.refusal(lead) { throw refusal }
    return .text
  }

  /// The format that a file name's ending asks for, or nil.
  ///
  /// - Parameter path: such as `history.parquet`.
  package static func named(by path: String) -> FileFormat? {
    var lower = path.lowercased()
    for packed in [".gz", ".zst"] where lower.hasSuffix(packed) {
      lower.removeLast(packed.count)
    }
    if lower.hasSuffix(".parquet") || lower.hasSuffix(".pq") { return .parquet }
    if lower.hasSuffix(".arrow") || lower.hasSuffix(".feather") || lower.hasSuffix(".ipc") {
      return .arrowFile
    }
    if lower.hasSuffix(".arrows") { return .arrowStream }
    if lower.hasSuffix(".csv") || lower.hasSuffix(".tsv") || lower.hasSuffix(".txt") {
      return .text
    }
    return nil
  }
}
