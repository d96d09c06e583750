import Larder
import LarderFiles
import LarderInterchange

/// What stands before the features in each row of an answer.
enum AnswerSpine {
  /// The records of a CSV file, repeated as the bytes they were.
  case records(CSVSpine)
  /// The columns of a file, in their types.
  case table(SpineTable)

  /// What the query is asked with.
  var query: RecordBatch {
    switch self {
    case .records(let spine): spine.batch
    case .table(let spine): spine.query
    }
  }

  /// The names of the file's columns.
  var names: [String] {
    switch self {
    case .records(let spine): spine.header.names
    case .table(let spine): spine.batch.schema.fields.map(\.name)
    }
  }
}

/// Writes a query's answer: the spine as it was, then the features.
struct AnswerOutput {
  private let job: any RetrievalJob
  private let spine: AnswerSpine?
  private let format: FileFormat
  private let delimiter: UInt8
  /// How many of the answer's first columns are the spine's.
  private let spineColumns: Int

  /// Checks that no added column has the name of one of the spine's.
  ///
  /// - Parameters:
  ///   - job: what answers.
  ///   - spine: what it was asked with, if the caller brought one; records go with text alone.
  ///   - format: the format to write.
  ///   - csv: of text, the delimiter.
  /// - Throws: `invalidArgument` that names both.
  init(
    job: any RetrievalJob, spine: AnswerSpine?, format: FileFormat, csv: CSVFormat
  ) throws(LarderError) {
    self.job = job
    self.spine = spine
    self.format = format
    if case .records(let records) = spine, csv.findsDelimiter {
      delimiter = records.delimiter
    } else {
      delimiter = csv.delimiter
    }
    spineColumns = spine?.query.columns.count ?? 0
    let added = job.schema.fields.dropFirst(spineColumns).map(\.name)
    for name in added where spine?.names.contains(name) == true {
      throw LarderError(
        .invalidArgument,
        "The feature \"\(name)\" and a column of the spine have one name; --full-names tells them "
          + "apart.", column: name)
    }
  }

  /// Writes everything.
  ///
  /// - Returns: how many rows were written.
  func write(to output: ByteOutput) throws -> Int {
    if case .records(let spine) = spine { return try write(behind: spine, to: output) }
    var origins: [ColumnOrigin] = []
    var before: RecordBatch?
    if case .table(let table) = spine { (origins, before) = (table.origins, table.batch) }
    let added = job.schema.fields.dropFirst(spineColumns)
    var writer = try TableFileWriter(
      format, schema: Schema((before?.schema.fields ?? []) + added), origins: origins,
      delimiter: delimiter, threads: .availableCores, to: output)
    var rows = 0
    try job.forEachBatch { batch in
      try Interrupt.check()
      let features = batch.columns(from: spineColumns)
      // The spine's columns are the caller's own, whatever the query made of them.
      let whole = before.map { $0.slice(rows..<rows + batch.count).beside(features) } ?? features
      try writer.append(whole)
      rows += batch.count
    }
    try writer.finish()
    return rows
  }

  private func write(behind spine: CSVSpine, to output: ByteOutput) throws -> Int {
    let writer = CSVWriter(delimiter: delimiter, lineEnd: spine.lineEnd)
    let added = job.schema.fields.dropFirst(spineColumns).map(\.name)
    try output.write { (text: inout [UInt8]) in
      unsafe spine.withHeader { unsafe text.append(contentsOf: $0) }
      if !added.isEmpty { text.append(contentsOf: [writer.delimiter]) }
      writer.append(names: added, to: &text)
      text.append(contentsOf: writer.lineEnd)
    }
    var rows = 0
    try job.forEachBatch { batch in
      // Small slices keep the text at hand small.
      var start = 0
      while start < batch.count {
        try Interrupt.check()
        let slice = batch.slice(start..<min(start + 4_096, batch.count))
        try output.write { text in
          writer.append(slice.columns(from: spineColumns), behind: spine, from: rows, to: &text)
        }
        rows += slice.count
        start += slice.count
      }
    }
    try output.finish()
    return rows
  }
}

extension RecordBatch {
  /// The batch without its first columns.
  func columns(from first: Int) -> RecordBatch {
    RecordBatch(
      unchecked: Schema(Array(schema.fields.dropFirst(first))),
      columns: Array(columns.dropFirst(first)), count: count)
  }

  /// The columns of this batch, then those of another with as many rows.
  fileprivate func beside(_ other: RecordBatch) -> RecordBatch {
    RecordBatch(
      unchecked: Schema(schema.fields + other.schema.fields), columns: columns + other.columns,
      count: count)
  }
}
