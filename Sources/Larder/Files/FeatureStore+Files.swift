import LarderColumns
import LarderContract
import LarderFiles
import LarderInterchange

extension FeatureStore {
  /// Adds the rows of files to a view's history: all of them durably in one commit, or none.
  ///
  /// ```swift
  /// try store.importFiles(["history/"], to: "driver_stats")
  /// ```
  ///
  /// - Parameters:
  ///   - paths: Parquet, Arrow and CSV files, told by their first bytes; a folder stands for all of
  ///     them in it and below, and names such as `site=A` in it are columns.
  ///   - view: the view's name.
  ///   - mapping: for a join key, time column or feature of the view, the files' column for it. Others
  ///     are found by their own names; features that a file lacks are null.
  ///   - timeUnit: what times count that are integers; nil to refuse them.
  /// - Returns: the commit; the newest one there is if there were no rows.
  /// - Throws: `notFound` for the view or a file; `invalidInput` with file, column and row;
  ///   `unsupported` for a wanted column that is not read, and for a folder whose log says which rows
  ///   count (Delta Lake, Iceberg, Hudi); `locked`, `noSpace`, `io`.
  /// - Complexity: O(rows), in memory bounded by `StoreOptions.appendBufferBytes` and a row group for
  ///   each core.
  @discardableResult
  public func importFiles(
    _ paths: [String], to view: String, mapping: [String: String] = [:], timeUnit: TimeUnit? = nil
  ) throws(LarderError) -> Commit {
    let definition = try self.view(named: view)
    var options = HistoryOptions()
    options.map = mapping
    options.timeUnit = timeUnit
    options.threads = .availableCores
    let appender = try appender(to: view)
    for input in try InputFiles(paths).inputs {
      var file = try HistoryFile(
        try ByteSource(path: input.path), for: definition, options: options,
        partition: input.partition)
      while let batch = try file.next() {
        do throws(LarderError) { try appender.append(batch) } catch { throw file.located(error) }
      }
    }
    return try appender.commit()
  }
}
