import LarderColumns
import LarderContract

/// A spine in CSV: keys and times as columns, everything else as the bytes it was.
///
/// The file stays mapped (or, if it is a pipe, in memory), so that an answer can repeat each record
/// byte for byte. What is kept beside it is the keys, the times and 16 bytes per record.
package final class CSVSpine {
  /// What a column of the spine is used for.
  package struct Key: Sendable, Hashable {
    /// The spine's column.
    package var column: String
    /// The type of the join keys that it is compared with.
    package var type: JoinKeyType

    package init(column: String, type: JoinKeyType) {
      self.column = column
      self.type = type
    }
  }

  /// The file's columns.
  package let header: CSVHeader
  /// The key columns and the time column, one row for each record.
  package let batch: RecordBatch
  /// The byte between cells.
  package let delimiter: UInt8
  /// What ends each line of the file: LF or CRLF.
  package var lineEnd: [UInt8] { header.endsInCRLF ? [0x0D, 0x0A] : [0x0A] }

  private let source: ByteSource
  private let starts: [Int]
  private let ends: [Int]

  /// Reads a spine whole.
  ///
  /// - Parameters:
  ///   - source: the bytes.
  ///   - keys: the columns used as join keys. Integers of any width that fit 64 bits are read as
  ///     int64; larger ones are unknown keys, which is what null is too.
  ///   - timestamp: the time column: ISO 8601, or integers of `timeUnit`.
  ///   - timeUnit: the unit of integers; nil to refuse them. Times are kept in microseconds, or in
  ///     nanoseconds where one is finer.
  /// - Throws: `invalidInput` with file, line and column; `notFound` for a missing column.
  package init(
    _ source: ByteSource, keys: [Key], timestamp: String, timeUnit: TimeUnit? = nil,
    format: CSVFormat = .standard
  ) throws(LarderError) {
    try source.gather()
    self.source = source
    let format = try format.settled(for: source)
    delimiter = format.delimiter
    header = try CSVHeader.read(source, format: format)
    let plans = try Self.plans(
      keys: keys, timestamp: timestamp, timeUnit: timeUnit, header: header, format: format,
      file: source.name)
    let first = try Self.read(source, header, plans, .microseconds, format)
    let second =
      first == nil ? try Self.read(source, header, plans, .nanoseconds, format) : nil
    // Nanoseconds are never too coarse, so one of them is there.
    let result = first ?? second ?? Read(columns: [], starts: [], ends: [])
    starts = result.starts
    ends = result.ends
    batch = try RecordBatch(
      schema: Schema(zip(plans, result.columns).map { ColumnField($0.name, $1.type) }),
      columns: result.columns, count: starts.count)
  }

  /// Calls a closure with a record's bytes, without its line end; valid during the call.
  package func withRecord<Result>(
    _ row: Int, _ body: (UnsafeRawBufferPointer) -> Result
  ) -> Result {
    unsafe body(
      UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: source.window[starts[row]..<ends[row]])))
  }

  /// Calls a closure with the header's bytes, without its line end; valid during the call.
  package func withHeader<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    unsafe body(
      UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: source.window[header.range])))
  }

  private static func plans(
    keys: [Key], timestamp: String, timeUnit: TimeUnit?, header: CSVHeader, format: CSVFormat,
    file: String
  ) throws(LarderError) -> [CSVColumnPlan] {
    var plans: [CSVColumnPlan] = []
    let times = TimeReading(integers: timeUnit, pattern: format.timePattern)
    for key in keys {
      let type = key.type == .int32 ? JoinKeyType.int64.dataType : key.type.dataType
      if let same = plans.first(where: { $0.name == key.column }) {
        guard same.rules.type == type else {
          throw LarderError(
            .invalidArgument,
            "The column serves as a key of \(type) and as one of \(same.rules.type).", file: file,
            column: key.column)
        }
        continue
      }
      plans.append(
        try plan(
          key.column,
          CellRules(
            type: type, hugeIntegersAreNull: true, times: times, nulls: format.nulls,
            nullsMayBeQuoted: format.nullsMayBeQuoted), header, file, "as a join key"))
    }
    if let same = plans.first(where: { $0.name == timestamp }) {
      throw LarderError(
        .invalidArgument, "The column is the time column and a join key.", file: file,
        column: same.name)
    }
    plans.append(
      try plan(
        timestamp,
        CellRules(
          type: .timestamp(.microseconds), times: times, nulls: format.nulls,
          nullsMayBeQuoted: format.nullsMayBeQuoted), header, file,
        "as the time; name another with --timestamp"))
    return plans
  }

  private static func plan(
    _ column: String, _ rules: CellRules, _ header: CSVHeader, _ file: String, _ use: String
  ) throws(LarderError) -> CSVColumnPlan {
    guard let index = try header.index(of: column, file: file) else {
      throw LarderError(
        .notFound,
        "The spine has no column \"\(column)\", which is needed \(use). "
          + suggestion(for: column, among: header.names), file: file,
        position: TextPosition(line: 1))
    }
    return CSVColumnPlan(name: column, fileColumn: column, index: index, rules: rules)
  }

  private struct Read {
    var columns: [Column]
    var starts: [Int]
    var ends: [Int]
  }

  /// Reads all records with the times in a unit; nil if a time is finer than microseconds.
  private static func read(
    _ source: ByteSource, _ header: CSVHeader, _ plans: [CSVColumnPlan], _ unit: TimeUnit,
    _ format: CSVFormat
  ) throws(LarderError) -> Read? {
    var plans = plans
    plans[plans.count - 1].rules.type = .timestamp(unit)
    var records = CSVRecords(
      source: source, header: header, plans: plans, format: format, policy: .stop)
    var result = Read(columns: [], starts: [], ends: [])
    let mayBeFiner = unit == .microseconds
    while records.hasMore {
      do throws(LarderError) { _ = try records.readChunk() } catch {
        if mayBeFiner, records.foundFinerTime { return nil }
        throw error
      }
      for range in records.chunkRanges {
        result.starts.append(range.lowerBound)
        result.ends.append(range.upperBound)
      }
    }
    for index in records.columns.indices { result.columns.append(records.columns[index].finish()) }
    return result
  }
}
