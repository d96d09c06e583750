import LarderColumns
import LarderContract

/// Writes whole answers as CSV files.
package enum CSVFile {
  /// Runs a job and writes its rows, batch by batch, in bounded memory.
  ///
  /// - Parameters:
  ///   - job: what to write.
  ///   - path: the file, which appears whole or not at all; `-` is standard output.
  /// - Returns: how many rows were written.
  /// - Throws: what the job throws; `io`, `noSpace`, `permissionDenied` from the file.
  @discardableResult
  package static func write(_ job: any RetrievalJob, to path: String) throws -> Int {
    let output = try ByteOutput.open(path)
    let writer = CSVWriter()
    try output.write { writer.append(header: job.schema.fields.map(\.name), to: &$0) }
    var rows = 0
    try job.forEachBatch { batch in
      // Small slices keep the text at hand small.
      for start in stride(from: 0, to: batch.count, by: 4_096) {
        let slice = batch.slice(start..<min(start + 4_096, batch.count))
        try output.write { writer.append(slice, to: &$0) }
      }
      rows += batch.count
    }
    try output.finish()
    return rows
  }
}
