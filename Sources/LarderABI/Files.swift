import CLarder
import Larder
import LarderColumns
import LarderContract
import LarderFiles
import LarderInterchange

/// Adds the rows of files to history; see `larder.h`.
@c @implementation public func larder_import_files(
  _ store: OpaquePointer?, _ view: UnsafePointer<CChar>?, _ options: UnsafePointer<CChar>?,
  _ commit: TextPlace?, _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let store = try unsafe object(store, StoreHandle.self, "store").store
    let name = try unsafe text(view, "view")
    let given = try unsafe Options(
      options, "options", allowed: ["paths", "columns", "timeUnit", "replace"])
    guard let paths = try given.strings("paths"), !paths.isEmpty else {
      throw LarderError(.invalidArgument, "\"paths\" is missing: the files to read.")
    }
    let definition = try store.view(named: name)
    let reading = try historyOptions(given)
    let replaces = try given.bool("replace")
    let appender = try replaces ? store.replacer(of: name) : store.appender(to: name)
    do throws(LarderError) {
      for input in try InputFiles(paths).inputs {
        try appender.append(file: input, of: definition, reading)
      }
    } catch {
      appender.abandon()
      throw error
    }
    let rows = appender.rows
    let made = try appender.commit()
    try unsafe handOut(report: CommittedRows(commit: made, rows: rows), to: commit)
  }
}

private func historyOptions(_ given: Options) throws(LarderError) -> HistoryOptions {
  var options = HistoryOptions()
  options.threads = .availableCores
  if let unit = try given.string("timeUnit") { options.timeUnit = try TimeUnit(named: unit) }
  for member in try given.members("columns") {
    guard case .string(let column) = member.value.content else {
      throw LarderError(.invalidArgument, "\"columns\" names a file's column for each of the view.")
    }
    options.map[member.name] = column
  }
  return options
}

extension BatchAppender {
  /// Takes the rows of a file.
  ///
  /// - Throws: as `append(_:)`, about the file's column and row.
  fileprivate func append(
    file input: InputFile, of view: FeatureView, _ options: HistoryOptions
  ) throws(LarderError) {
    var file = try HistoryFile(
      try ByteSource(path: input.path), for: view, options: options, partition: input.partition)
    while let batch = try file.next() {
      do throws(LarderError) { try append(batch) } catch { throw file.located(error) }
    }
  }
}
