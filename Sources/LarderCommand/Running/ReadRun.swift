import Glibc
import Larder
import LarderContract
import LarderInterchange

/// Reads all rows of files and keeps none: whether they are whole, and how fast they are read.
struct ReadRun {
  /// Rows read.
  private(set) var rows = 0
  /// Seconds by the clock, from before the first file is opened.
  let seconds: Double
  /// Seconds of processor time of all threads.
  let processorSeconds: Double

  /// Reads every column that can be read.
  ///
  /// - Throws: what the formats' readers throw; `cancelled` after Ctrl-C.
  init(
    _ summary: InputSummary, csv: CSVFormat, unsignedTexts: Bool, threads: Int
  ) throws(LarderError) {
    let clock = ContinuousClock()
    let start = clock.now
    let before = Self.processorSeconds
    for (path, table) in zip(summary.files, summary.tables) {
      let source = try ByteSource(path: path)
      var names: [String] = []
      for column in table.columns {
        if case .success = column.type { names.append(column.name) }
      }
      let options = TableReadOptions(
        columns: names, threads: threads, unsignedTexts: unsignedTexts)
      let reader: (any TableReader)? =
        try source.detectFormat() == .text
        ? try CSVTable(source, format: csv, columns: names)
        : try openTable(try RandomAccessBytes(source), options: options)
      while let batch = try reader?.nextBatch() {
        try Interrupt.check()
        rows += batch.count
      }
    }
    seconds = Progress.seconds(clock.now - start)
    processorSeconds = Self.processorSeconds - before
  }

  /// The run as a member of `larder schema --json`.
  var json: JSONValue {
    JSONValue(
      .object([
        .init("rows", .integer(rows)), .init("seconds", .double(seconds)),
        .init("processorSeconds", .double(processorSeconds)),
      ]))
  }

  private static var processorSeconds: Double { Double(Glibc.clock()) / 1_000_000 }
}
