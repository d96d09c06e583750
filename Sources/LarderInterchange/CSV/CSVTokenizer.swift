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
    let highest = max(delimiter, UInt8(ascii: "\n"))
    var at = start
    var seen: UInt8 = 0
    var lines = 1
    var column = 0
    var flaw: Flaw?
    while true {
      var cellStart = at
      var cellEnd = at
      var isQuoted = false
      var isEscaped = false
      if at < count, window[at] == UInt8(ascii: "\"") {
        isQuoted = true
        at &+= 1
        cellStart = at
        let openedIn = line &+ lines &- 1
        while true {
          while at < count, window[at] != UInt8(ascii: "\"") {
            let byte = window[at]
            seen |= byte
            if byte == UInt8(ascii: "\n") { lines &+= 1 }
            at &+= 1
          }
          // Whether a quote ends the cell is known only by the byte behind it.
          if at &+ 1 >= count, !isFinal { return .incomplete }
          if at >= count {
            return .flawed(
              next: count, lines: lines,
              Flaw(
                line: openedIn, message: "A quote is opened here and never closed.",
                reason: "quote never closed"))
          }
          guard at &+ 1 < count, window[at &+ 1] == UInt8(ascii: "\"") else { break }
          isEscaped = true
          at &+= 2
        }
        cellEnd = at
        at &+= 1
        if at < count, window[at] == UInt8(ascii: "\r") {
          if at &+ 1 >= count, !isFinal { return .incomplete }
          if at &+ 1 >= count || window[at &+ 1] == UInt8(ascii: "\n") { at &+= 1 }
        }
        if at < count, window[at] != delimiter, window[at] != UInt8(ascii: "\n") {
          flaw =
            flaw
            ?? Flaw(
              line: line &+ lines &- 1,
              message: "Column \(column + 1) goes on after its closing quote; "
                + "a quote inside a quoted cell is doubled.",
              reason: "text after a closing quote")
          while at < count, window[at] != UInt8(ascii: "\n"), window[at] != delimiter { at &+= 1 }
        }
      } else {
        while at < count {
          let byte = window[at]
          if byte <= highest, byte == delimiter || byte == UInt8(ascii: "\n") { break }
          seen |= byte
          at &+= 1
        }
        cellEnd = at
        let endsLine = at >= count || window[at] == UInt8(ascii: "\n")
        if endsLine, cellEnd > cellStart, window[cellEnd &- 1] == UInt8(ascii: "\r") {
          cellEnd &-= 1
        }
      }
      if at >= count, !isFinal { return .incomplete }
      if column < slots.count {
        let slot = Int(slots[column])
        if slot >= 0 {
          fields[first &+ slot] = CSVField(
            start: cellStart &- base, length: cellEnd &- cellStart, isQuoted: isQuoted,
            isEscaped: isEscaped)
        }
      }
      column &+= 1
      if at < count, window[at] == delimiter {
        at &+= 1
        continue
      }
      break
    }
    end = at
    if end > start, window[end &- 1] == UInt8(ascii: "\r") { end &-= 1 }
    let next = min(at &+ 1, count)
    if column != slots.count, flaw == nil {
      flaw = Flaw(
        line: line, message: "The record has \(column) cells; the header has \(slots.count).",
        reason: "wrong number of cells")
    }
    if seen >= 0x80, flaw == nil, let bad = UTF8Check.firstFlaw(window, in: start..<end) {
      let before = (start..<bad).reduce(0) { $0 + (window[$1] == UInt8(ascii: "\n") ? 1 : 0) }
      flaw = Flaw(
        line: line + before,
        message: "Byte \(bad - start + 1) of the record is not UTF-8; convert the file, for "
          + "example with iconv.", reason: "not UTF-8")
    }
    if let flaw { return .flawed(next: next, lines: lines, flaw) }
    return .complete(next: next, lines: lines)
  }
}
