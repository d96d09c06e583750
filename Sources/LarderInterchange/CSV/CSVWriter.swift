import LarderColumns

/// Writes batches as CSV that `CSVReader` reads back to the same values.
///
/// Null is empty and the empty string is `""`; floats are in their shortest form that reads back to
/// the same bits; times are ISO 8601 in UTC, ending in `Z`; bytes are base64; lists are JSON arrays.
/// Cells are quoted where they hold a delimiter, a quote or a line end.
package struct CSVWriter {
  package let delimiter: UInt8
  package let lineEnd: [UInt8]

  /// Makes a writer.
  ///
  /// - Parameters:
  ///   - delimiter: the byte between cells.
  ///   - lineEnd: LF or CRLF.
  package init(delimiter: UInt8 = UInt8(ascii: ","), lineEnd: [UInt8] = [UInt8(ascii: "\n")]) {
    self.delimiter = delimiter
    self.lineEnd = lineEnd
  }

  /// Appends a header line of names.
  package func append(header names: [String], to text: inout [UInt8]) {
    append(names: names, to: &text)
    text.append(contentsOf: lineEnd)
  }

  /// Appends names, delimited and quoted where needed, without a line end.
  package func append(names: [String], to text: inout [UInt8]) {
    for (index, name) in names.enumerated() {
      if index > 0 { text.append(delimiter) }
      let bytes = Array(name.utf8)
      append(bytes: bytes.span, to: &text)
    }
  }

  /// Appends the rows of a batch, a line each.
  package func append(_ batch: RecordBatch, to text: inout [UInt8]) {
    let cells = batch.columns.map { CellWriter($0) }
    for row in 0..<batch.count {
      for (index, cell) in cells.enumerated() {
        if index > 0 { text.append(delimiter) }
        append(cell, row: row, to: &text)
      }
      text.append(contentsOf: lineEnd)
    }
  }

  /// Appends the rows of a batch behind the records of a spine, which come first as they were.
  ///
  /// - Parameters:
  ///   - batch: the columns to add.
  ///   - spine: where the records are from.
  ///   - first: the spine's record that stands beside the batch's first row.
  package func append(
    _ batch: RecordBatch, behind spine: CSVSpine, from first: Int, to text: inout [UInt8]
  ) {
    let cells = batch.columns.map { CellWriter($0) }
    for row in 0..<batch.count {
      unsafe spine.withRecord(first + row) { unsafe text.append(contentsOf: $0) }
      for cell in cells {
        text.append(delimiter)
        append(cell, row: row, to: &text)
      }
      text.append(contentsOf: lineEnd)
    }
  }

  @inline(__always)
  private func append(_ cell: CellWriter, row: Int, to text: inout [UInt8]) {
    guard cell.column.isValid(row) else { return }
    let start = text.count
    cell.append(row, to: &text)
    if cell.mayNeedQuotes { quote(from: start, in: &text) }
  }

  private func append(bytes: Span<UInt8>, to text: inout [UInt8]) {
    let start = text.count
    for index in 0..<bytes.count { text.append(bytes[index]) }
    quote(from: start, in: &text)
  }

  /// Puts the text from a position on in quotes, if it must stand in them.
  private func quote(from start: Int, in text: inout [UInt8]) {
    var needsQuotes = text.count == start
    var quotes = 0
    for index in start..<text.count {
      let byte = text[index]
      if byte == UInt8(ascii: "\"") { quotes += 1 }
      if byte == delimiter || byte == 0x0A || byte == 0x0D { needsQuotes = true }
    }
    guard needsQuotes || quotes > 0 else { return }
    let plain = Array(text[start...])
    text.removeLast(plain.count)
    text.append(UInt8(ascii: "\""))
    for byte in plain {
      if byte == UInt8(ascii: "\"") { text.append(byte) }
      text.append(byte)
    }
    text.append(UInt8(ascii: "\""))
  }
}
