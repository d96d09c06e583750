import LarderColumns

/// Splits bytes into records and cells, a chunk at a time.
struct CSVTokenizer {
  /// A record that is none, and where.
  struct Flaw: Error {
    var line: Int
    var message: String
    /// The same for all records with this flaw, to count by.
    var reason: String
  }

  private let delimiter: UInt8
  /// For each column of the file its place among the wanted cells, or -1.
  private let slots: [Int32]
  /// The line that the next record begins in.
  private(set) var line: Int
  /// The first byte not yet read, in the window.
  var position: Int

  init(format: CSVFormat, slots: [Int32], line: Int, position: Int) {
    delimiter = format.delimiter
    self.slots = slots
    self.line = line
    self.position = position
  }

  /// How one record ended.
  private enum End {
    case complete(next: Int, lines: Int)
    case incomplete
    case flawed(next: Int, lines: Int, Flaw)
  }

  /// Fills a chunk with the next records of a window.
  ///
  /// - Parameters:
  ///   - window: bytes of the file.
  ///   - isFinal: whether the file ends with the window; else a record that does is left for later.
  ///   - chunk: is emptied first.
  ///   - onFlaw: what to do with a record that is none; throwing ends the reading.
  /// - Returns: whether there may be more.
  mutating func fill(
    _ chunk: inout CSVChunk, from window: Span<UInt8>, isFinal: Bool,
    onFlaw: (Flaw) throws(LarderError) -> Void
  ) throws(LarderError) -> Bool {
    chunk.count = 0
    chunk.base = position
    let width = chunk.width
    while chunk.count < CSVChunk.maxRecords, position < window.count,
      position &- chunk.base < CSVChunk.maxBytes
    {
      if slots.count > 1, let after = emptyLine(window, at: position) {
        position = after
        line &+= 1
        continue
      }
      let start = position
      let record = chunk.count
      let base = chunk.base
      var fields = chunk.fields.mutableSpan
      var end = 0
      let outcome = Self.record(
        window, from: start, isFinal: isFinal, line: line, delimiter: delimiter,
        slots: slots.span, base: base, into: &fields, at: record &* width, end: &end)
      switch outcome {
      case .incomplete:
        guard window.count &- start <= CSVChunk.maxRecordBytes else { throw tooLong }
        return true
      case .complete(let next, let lines):
        // Longer ones would not fit the words that cells are kept in.
        guard next &- start <= CSVChunk.maxRecordBytes else { throw tooLong }
        chunk.lines[record] = line
        chunk.ranges[record] = start &- chunk.base..<end &- chunk.base
        chunk.count = record &+ 1
        position = next
        line &+= lines
      case .flawed(let next, let lines, let flaw):
        try onFlaw(flaw)
        position = next
        line &+= lines
      }
    }
    return position < window.count || !isFinal
  }

  private var tooLong: LarderError {
    LarderError(
      .limitExceeded,
      "The record in line \(line) has more than \(CSVChunk.maxRecordBytes) bytes; is a quote left "
        + "open?")
  }

  @inline(__always)
  private func emptyLine(_ window: Span<UInt8>, at position: Int) -> Int? {
    if window[position] == UInt8(ascii: "\n") { return position &+ 1 }
    guard window[position] == UInt8(ascii: "\r"), position &+ 1 < window.count,
      window[position &+ 1] == UInt8(ascii: "\n")
    else { return nil }
    return position &+ 2
  }

  /// Reads one record.
  ///
  /// Static, with everything handed in: the loop touches no property.
  private static func record(
    _ window: Span<UInt8>, from start: Int, isFinal: Bool, line: Int, delimiter: UInt8,
    slots: Span<Int32>, base: Int, into fields: inout MutableSpan<CSVField>, at first: Int,
    end: inout Int
  ) -> End {
    let count = window.count
    var scan = RecordScan(at: start, line: line)
    var column = 0
    while true {
      let cell: RecordScan.Cell
      if scan.at < count, window[scan.at] == UInt8(ascii: "\"") {
        switch scan.quotedCell(window, column: column, delimiter: delimiter, isFinal: isFinal) {
        case .cell(let found): cell = found
        case .incomplete: return .incomplete
        case .unclosed(let flaw): return .flawed(next: count, lines: scan.lines, flaw)
        }
      } else {
        cell = scan.plainCell(window, delimiter: delimiter)
      }
      if scan.at >= count, !isFinal { return .incomplete }
      if column < slots.count {
        let slot = Int(slots[column])
        if slot >= 0 {
          fields[first &+ slot] = CSVField(
            start: cell.start &- base, length: cell.end &- cell.start, isQuoted: cell.isQuoted,
            isEscaped: cell.isEscaped)
        }
      }
      column &+= 1
      guard scan.at < count, window[scan.at] == delimiter else { break }
      scan.at &+= 1
    }
    end = scan.at
    if end > start, window[end &- 1] == UInt8(ascii: "\r") { end &-= 1 }
    let next = min(scan.at &+ 1, count)
    if scan.flaw != nil || column != slots.count || scan.seen >= 0x80,
      let flaw = scan.flaw ?? flaw(window, start..<end, line, cells: column, of: slots.count)
    {
      return .flawed(next: next, lines: scan.lines, flaw)
    }
    return .complete(next: next, lines: scan.lines)
  }

  /// What is wrong with a record whose quotes are right: the number of cells, or its bytes.
  private static func flaw(
    _ window: Span<UInt8>, _ range: Range<Int>, _ line: Int, cells: Int, of columns: Int
  ) -> Flaw? {
    guard cells == columns else {
      return Flaw(
        line: line, message: "The record has \(cells) cells; the header has \(columns).",
        reason: "wrong number of cells")
    }
    guard let bad = UTF8Check.firstFlaw(window, in: range) else { return nil }
    var badLine = line
    for at in range.lowerBound..<bad where window[at] == UInt8(ascii: "\n") { badLine += 1 }
    return Flaw(
      line: badLine,
      message: "Byte \(bad - range.lowerBound + 1) of the record is not UTF-8; convert the file, "
        + "for example with iconv.", reason: "not UTF-8")
  }
}
