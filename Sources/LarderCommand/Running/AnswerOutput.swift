import Larder
import LarderInterchange

/// Writes a question's answer as CSV: the spine's records as they were, then the features.
struct AnswerOutput {
  private let job: any RetrievalJob
  private let spine: CSVSpine?
  private let writer: CSVWriter
  /// How many of the answer's first columns the spine's records already show.
  private let spineColumns: Int

  /// Checks that no added column has the name of one of the spine's.
  ///
  /// - Throws: `invalidArgument` that names both.
  init(job: any RetrievalJob, spine: CSVSpine?, format: CSVFormat) throws(LarderError) {
    self.job = job
    self.spine = spine
    writer = CSVWriter(
      delimiter: format.delimiter, lineEnd: spine?.lineEnd ?? [UInt8(ascii: "\n")])
    spineColumns = spine?.batch.columns.count ?? 0
    let added = job.schema.fields.dropFirst(spineColumns).map(\.name)
    for name in added where spine?.header.names.contains(name) == true {
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
    let added = job.schema.fields.dropFirst(spineColumns).map(\.name)
    try output.write { text in
      if let spine {
        unsafe spine.withHeader { unsafe text.append(contentsOf: $0) }
        if !added.isEmpty { text.append(contentsOf: [writer.delimiter]) }
      }
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
          if let spine {
            writer.append(slice.columns(from: spineColumns), behind: spine, from: rows, to: &text)
          } else {
            writer.append(slice, to: &text)
          }
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
}
