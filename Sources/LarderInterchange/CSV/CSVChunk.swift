/// Where one cell's bytes lie in a chunk: start, length, and how it was quoted, in one word.
struct CSVField {
  private var word: UInt64

  /// - Parameters:
  ///   - start: from the chunk's first byte, less than 2^32.
  ///   - length: less than 2^30.
  @inline(__always)
  init(start: Int, length: Int, isQuoted: Bool, isEscaped: Bool) {
    word =
      UInt64(truncatingIfNeeded: start) | UInt64(truncatingIfNeeded: length) &<< 32
      | (isQuoted ? 1 << 62 : 0) | (isEscaped ? 1 << 63 : 0)
  }

  @inline(__always) var start: Int { Int(word & 0xFFFF_FFFF) }
  @inline(__always) var length: Int { Int(word &>> 32 & 0x3FFF_FFFF) }
  /// Whether it stood in quotes, which are not part of it.
  @inline(__always) var isQuoted: Bool { word & 1 << 62 != 0 }
  /// Whether it holds doubled quotes.
  @inline(__always) var isEscaped: Bool { word & 1 << 63 != 0 }
}

/// Some records of a file: where their wanted cells lie.
///
/// Few enough to stay in the cache.
struct CSVChunk {
  /// Records tokenized at a time.
  static let maxRecords = 1_024
  /// Bytes after which no further record is begun.
  static let maxBytes = 16 << 20
  /// Bytes of one record.
  static let maxRecordBytes = 512 << 20

  /// Wanted cells of one record.
  let width: Int
  /// The cells, record by record.
  var fields: [CSVField]
  /// The line that each record begins in, counted from 1.
  var lines: [Int]
  /// Each record's bytes without its line end, from `base`.
  var ranges: [Range<Int>]
  /// How many records there are.
  var count = 0
  /// Where the chunk's first byte stands in the window.
  var base = 0

  init(width: Int) {
    self.width = width
    let none = CSVField(start: 0, length: 0, isQuoted: false, isEscaped: false)
    fields = Array(repeating: none, count: width * Self.maxRecords)
    lines = Array(repeating: 0, count: Self.maxRecords)
    ranges = Array(repeating: 0..<0, count: Self.maxRecords)
  }

  /// Drops records, keeping the order of the others.
  ///
  /// - Parameter dropped: positions in ascending order.
  mutating func remove(_ dropped: some Sequence<Int>) {
    var iterator = dropped.makeIterator()
    var next = iterator.next()
    var kept = 0
    for record in 0..<count {
      if record == next {
        next = iterator.next()
        continue
      }
      if kept != record {
        for cell in 0..<width { fields[kept * width + cell] = fields[record * width + cell] }
        lines[kept] = lines[record]
        ranges[kept] = ranges[record]
      }
      kept += 1
    }
    count = kept
  }
}
