import LarderColumns

/// What a folder's name says of all files below it: `site=A` is a column of one value.
package struct PartitionValue: Sendable, Hashable {
  /// The column's name.
  package var name: String
  /// The value as text; nil for null.
  package var text: String?

  /// What Hive and Spark write for null.
  private static let null = "__HIVE_DEFAULT_PARTITION__"

  /// Names a value.
  package init(name: String, text: String?) {
    self.name = name
    self.text = text
  }

  /// Reads the name of a folder.
  ///
  /// - Returns: nil for one without `=`.
  /// - Throws: `invalidInput` for escapes that are no UTF-8.
  init?(folder: String, path: String) throws(LarderError) {
    guard let equals = folder.utf8.firstIndex(of: UInt8(ascii: "=")), equals > folder.startIndex
    else { return nil }
    guard let name = Self.unescaped(folder[..<equals].utf8),
      let text = Self.unescaped(folder[folder.utf8.index(after: equals)...].utf8)
    else {
      throw LarderError(
        .invalidInput, "The folder's name has an escape that is not UTF-8.", file: path)
    }
    self.name = name
    self.text = text == Self.null ? nil : text
  }

  /// What the last folders of a path say that are of the form, without one between that is not.
  static func trailing(_ path: String) throws(LarderError) -> [PartitionValue] {
    var values: [PartitionValue] = []
    for folder in path.split(separator: "/").reversed() {
      if folder == "." { continue }
      guard let value = try PartitionValue(folder: String(folder), path: path) else { break }
      values.append(value)
    }
    return values.reversed()
  }

  /// A text whose `%41` stand for bytes; nil if it is not UTF-8 then.
  private static func unescaped(_ text: some Collection<UInt8>) -> String? {
    var bytes: [UInt8] = []
    var rest = text[...]
    while let byte = rest.popFirst() {
      let pair = rest.prefix(2)
      if byte == UInt8(ascii: "%"), pair.count == 2,
        let code = UInt8(String(decoding: pair, as: UTF8.self), radix: 16)
      {
        bytes.append(code)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
