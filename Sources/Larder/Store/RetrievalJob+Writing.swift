import LarderColumns
import LarderContract
import LarderInterchange

extension RetrievalJob {
  /// Runs the question and writes the answer as CSV, batch by batch, in bounded memory.
  ///
  /// Null is an unquoted empty cell and the empty string a quoted one; floats are in the shortest
  /// form that reads back to the same bits; times are ISO 8601 in UTC, ending in `Z`.
  ///
  /// - Parameter path: the file, which appears whole or not at all; `-` is standard output.
  /// - Returns: how many rows were written.
  /// - Throws: what `collect` throws; `permissionDenied`, `noSpace` and `io` from the file.
  @discardableResult
  public func write(to path: String) throws -> Int { try CSVFile.write(self, to: path) }
}
