import LarderColumns

/// The first record of a file: the names of its columns.
package struct CSVHeader: Sendable {
  /// The names, in the file's order.
  package var names: [String]
  /// Whether the header's line ends in CRLF.
  var endsInCRLF = false
  /// The header's bytes, without a byte-order mark and line end.
  var range: Range<Int>
  /// Where the first record begins.
  var next: Int
  /// The line that the first record begins in.
  var nextLine: Int

  /// Reads the header of a source, and leaves the source at a window that holds it whole.
  ///
  /// - Throws: `invalidInput` for an empty file, or what is not UTF-8.
  static func read(_ source: ByteSource, format: CSVFormat) throws(LarderError) -> CSVHeader {
    while true {
      let window = unsafe source.window
      let header = try unsafe parse(
        Span(_unsafeElements: window), isFinal: source.isFinal, format: format,
        file: source.name)
      if let header { return header }
      _ = try source.advance(keepingFrom: 0)
    }
  }

  /// Reads a header; nil if the window ends before it does.
  private static func parse(
    _ window: Span<UInt8>, isFinal: Bool, format: CSVFormat, file: String
  ) throws(LarderError) -> CSVHeader? {
    if window.count < 3, !isFinal { return nil }
    let fail = { (message: String) in
      LarderError(.invalidInput, message, file: file, position: TextPosition(line: 1))
    }
    var at = 0
    if window.count >= 3, window[0] == 0xEF, window[1] == 0xBB, window[2] == 0xBF { at = 3 }
    if at == window.count {
      guard isFinal else { return nil }
      throw LarderError(
        .invalidInput, "The file is empty; its first line must name the columns.", file: file)
    }
    let start = at
    var names: [String] = []
    var cell: [UInt8] = []
    var lines = 1
    var inQuotes = false
    var ended = false
    while at < window.count, !ended {
      let byte = window[at]
      if inQuotes {
        if byte == UInt8(ascii: "\""), at + 1 < window.count,
          window[at + 1] == UInt8(ascii: "\"")
        {
          cell.append(byte)
          at += 1
        } else if byte == UInt8(ascii: "\"") {
          inQuotes = false
        } else {
          if byte == UInt8(ascii: "\n") { lines += 1 }
          cell.append(byte)
        }
      } else if byte == UInt8(ascii: "\""), cell.isEmpty {
        inQuotes = true
      } else if byte == format.delimiter || byte == UInt8(ascii: "\n") {
        ended = byte == UInt8(ascii: "\n")
        if ended, cell.last == UInt8(ascii: "\r") { cell.removeLast() }
        names.append(try name(cell, fail))
        cell.removeAll()
      } else {
        cell.append(byte)
      }
      at += 1
    }
    if !ended {
      guard isFinal else { return nil }
      // An old Mac's file is one line to everybody else.
      if !inQuotes, cell.dropLast().contains(UInt8(ascii: "\r")) || names.contains(where: isSplit) {
        throw fail("Its lines end in CR alone; convert the file, for example with tr '\\r' '\\n'.")
      }
      if inQuotes { throw fail("A quote is opened in the header and never closed.") }
      if cell.last == UInt8(ascii: "\r") { cell.removeLast() }
      names.append(try name(cell, fail))
    }
    guard names.count <= Limits.csvColumns else {
      throw LarderError(
        .limitExceeded,
        "The header names \(names.count) columns; at most \(Limits.csvColumns) are allowed.",
        file: file, position: TextPosition(line: 1))
    }
    var end = ended ? at - 1 : at
    let endsInCRLF = end > start && window[end - 1] == UInt8(ascii: "\r")
    if endsInCRLF { end -= 1 }
    return CSVHeader(
      names: names, endsInCRLF: endsInCRLF, range: start..<end, next: at,
      nextLine: lines + (ended ? 1 : 0))
  }

  private static func isSplit(_ name: String) -> Bool { name.utf8.contains(UInt8(ascii: "\r")) }

  /// Where a column stands; nil if the file does not have it.
  ///
  /// - Throws: `invalidInput` for a name that the header has twice.
  func index(of name: String, file: String) throws(LarderError) -> Int? {
    let isSame = { (other: String) in other.utf8.elementsEqual(name.utf8) }
    guard let first = names.firstIndex(where: isSame) else { return nil }
    guard names.lastIndex(where: isSame) == first else {
      throw LarderError(
        .invalidInput, "The header names this column twice.", file: file,
        position: TextPosition(line: 1), column: name)
    }
    return first
  }

  /// Names that the header has more than once.
  var repeated: Set<String> {
    var seen: Set<String> = []
    return Set(names.filter { !seen.insert($0).inserted })
  }

  private static func name(
    _ bytes: [UInt8], _ fail: (String) -> LarderError
  ) throws(LarderError) -> String {
    guard let name = String(validating: bytes, as: UTF8.self) else {
      throw fail(
        "The header is not UTF-8; convert the file, for example with iconv -f WINDOWS-1252 -t UTF-8."
      )
    }
    return name
  }
}
