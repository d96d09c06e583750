/// Where the tokenizer stands within a record, and what it has met there.
struct RecordScan {
  /// Where a cell's text lies in the window.
  struct Cell {
    var start: Int
    var end: Int
    var isQuoted = false
    var isEscaped = false
  }

  /// How a quoted cell ended.
  enum QuotedEnd {
    case cell(Cell)
    /// The window ends before it is known.
    case incomplete
    case unclosed(CSVTokenizer.Flaw)
  }

  /// The next byte.
  var at: Int
  /// Lines that the record spans so far.
  var lines = 1
  /// All bytes so far, or'ed: below 0x80 they are ASCII.
  var seen: UInt8 = 0
  /// The first thing wrong with the quotes.
  var flaw: CSVTokenizer.Flaw?
  private let line: Int

  /// Begins at a record's first byte, in a line.
  init(at: Int, line: Int) {
    self.at = at
    self.line = line
  }

  /// Reads a cell without quotes, and stops at its delimiter or line end.
  @inline(__always)
  mutating func plainCell(_ window: Span<UInt8>, delimiter: UInt8) -> Cell {
    // Most text lies above both bytes that end a cell.
    let highest = max(delimiter, UInt8(ascii: "\n"))
    let start = at
    var end = at
    var seen = self.seen
    while end < window.count {
      let byte = window[end]
      if byte <= highest, byte == delimiter || byte == UInt8(ascii: "\n") { break }
      seen |= byte
      end &+= 1
    }
    at = end
    self.seen = seen
    let endsLine = end >= window.count || window[end] == UInt8(ascii: "\n")
    if endsLine, end > start, window[end &- 1] == UInt8(ascii: "\r") { end &-= 1 }
    return Cell(start: start, end: end)
  }

  /// Reads a cell that begins with a quote, and stops at its delimiter or line end.
  mutating func quotedCell(
    _ window: Span<UInt8>, column: Int, delimiter: UInt8, isFinal: Bool
  ) -> QuotedEnd {
    let count = window.count
    at &+= 1
    var cell = Cell(start: at, end: at, isQuoted: true)
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
        return .unclosed(
          CSVTokenizer.Flaw(
            line: openedIn, message: "A quote is opened here and never closed.",
            reason: "quote never closed"))
      }
      guard at &+ 1 < count, window[at &+ 1] == UInt8(ascii: "\"") else { break }
      cell.isEscaped = true
      at &+= 2
    }
    cell.end = at
    at &+= 1
    if at < count, window[at] == UInt8(ascii: "\r") {
      if at &+ 1 >= count, !isFinal { return .incomplete }
      if at &+ 1 >= count || window[at &+ 1] == UInt8(ascii: "\n") { at &+= 1 }
    }
    skipBehindQuote(window, column: column, delimiter: delimiter)
    return .cell(cell)
  }

  /// Notes text behind a closing quote, and passes over it.
  private mutating func skipBehindQuote(
    _ window: Span<UInt8>, column: Int, delimiter: UInt8
  ) {
    let isEnd = { (byte: UInt8) in byte == delimiter || byte == UInt8(ascii: "\n") }
    guard at < window.count, !isEnd(window[at]) else { return }
    if flaw == nil {
      flaw = CSVTokenizer.Flaw(
        line: line &+ lines &- 1,
        message: "Column \(column + 1) goes on after its closing quote; a quote inside a quoted "
          + "cell is doubled.", reason: "text after a closing quote")
    }
    while at < window.count, !isEnd(window[at]) { at &+= 1 }
  }
}
