import LarderColumns

/// How a CSV file is written (RFC 4180 with the freedoms that files in the wild take).
///
/// Cells may be quoted; a quote inside is doubled; a quoted cell may hold delimiters and newlines.
/// Lines end in LF or CRLF; an empty line is skipped where there is more than one column. A UTF-8
/// byte-order mark is skipped. An unquoted empty cell is null, a quoted empty cell is the empty
/// string, in and out.
package struct CSVFormat: Sendable, Hashable {
  /// The byte between cells; where it is found by looking, a comma until then.
  package private(set) var delimiter: UInt8
  /// Whether the delimiter is found by looking at the first records.
  package private(set) var findsDelimiter: Bool
  /// What else a cell may say for null, such as `NA`.
  package var nulls: [[UInt8]]
  /// Whether nulls, and the empty cell, are null in quotes too where the column is no text.
  package var nullsMayBeQuoted = false
  /// Another way of writing times than ISO 8601.
  package var timePattern: TimePattern?

  /// The spellings that pandas takes for null by itself, beside the empty cell.
  package static let pandasNulls = [
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
    "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
  ]

  /// Makes a format.
  ///
  /// - Parameters:
  ///   - delimiter: one ASCII character; nil to find it by looking.
  ///   - nulls: what else an unquoted cell may say for null.
  /// - Throws: `invalidArgument` for a delimiter that is a quote, a line end or not ASCII.
  package init(
    delimiter: Character? = nil, nulls: [String] = []
  ) throws(LarderError) {
    self = .standard
    self.nulls = nulls.filter { !$0.isEmpty }.map { Array($0.utf8) }
    guard let delimiter else { return }
    guard let byte = delimiter.asciiValue, delimiter != "\"", byte != 0x0A, byte != 0x0D else {
      throw LarderError(
        .invalidArgument,
        "A delimiter is one ASCII character other than a quote or a line end.")
    }
    self.delimiter = byte
    findsDelimiter = false
  }

  /// A delimiter that is found by looking, and no spelling of null but the empty cell.
  package static let standard = CSVFormat(finding: ())

  private init(finding: Void) {
    delimiter = UInt8(ascii: ",")
    findsDelimiter = true
    nulls = []
  }

  /// The same format with the delimiter that a source's first records show.
  ///
  /// - Throws: `io`, `cancelled`.
  func settled(for source: ByteSource) throws(LarderError) -> CSVFormat {
    guard findsDelimiter else { return self }
    if !source.isFinal, unsafe source.window.isEmpty { _ = try source.advance(keepingFrom: 0) }
    var format = self
    format.findsDelimiter = false
    format.delimiter = unsafe DelimiterSearch.delimiter(of: source.window)
    return format
  }
}

/// What happens to a record that cannot be read.
package enum CSVErrorPolicy: String, Sendable, Hashable, CaseIterable {
  /// The first one ends the reading.
  case stop
  /// It is left out and counted.
  case skip
}

/// The records left out under `CSVErrorPolicy.skip`.
package struct SkippedRecords: Sendable, Hashable {
  /// How many were left out.
  package var count = 0
  /// How many for each reason, such as `column "temp": not a float64`.
  package var reasons: [String: Int] = [:]
  /// The first few, in full.
  package var samples: [LarderError] = []

  /// How many are kept in full.
  package static let samplesKept = 5

  /// Adds those of another file.
  package mutating func merge(_ other: SkippedRecords) {
    count += other.count
    reasons.merge(other.reasons, uniquingKeysWith: +)
    samples += other.samples.prefix(Self.samplesKept - samples.count)
  }

  /// Nothing left out.
  package init() {}

  mutating func add(_ error: LarderError, reason: String) {
    count += 1
    reasons[reason, default: 0] += 1
    if samples.count < Self.samplesKept { samples.append(error) }
  }
}
