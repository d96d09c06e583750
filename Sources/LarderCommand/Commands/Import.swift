import ArgumentParser
import Larder
import LarderInterchange

/// `larder import`: rows of files become history, in one commit.
struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Add rows from Parquet, Arrow or CSV files to a view's history.",
    discussion: """
      The format is recognized by the first bytes. A folder stands for all files in it and below; \
      folders such as site=A in it are columns, and tables of Delta Lake, Iceberg and Hudi are \
      refused. All files together are one commit: it holds all of their rows, or none. Rows may \
      come late and in any order. Columns are found by name; features that a file lacks are null. \
      - is standard input.

      With --replace, the view's online table stays as it is until the next larder materialize, \
      which recomputes every value.

      Times are timestamps, dates, ISO 8601 (without a zone: UTC), or integers of --time-unit. In CSV, \
      which may be compressed by gzip or zstd, bytes are base64; lists are JSON arrays. An unquoted empty cell is null, a quoted empty cell is the \
      empty string.

      EXAMPLES
        larder import my.larder driver_stats history/
        larder import my.larder weather weather-2013.csv --null NA
        larder import my.larder weather jan.csv feb.csv --map time_hour=time
        larder import my.larder clicks clicks.csv.gz --time-unit ms --nulls pandas
        tail -n 1000 rows.csv | larder import my.larder weather - --on-error skip
      """)

  @OptionGroup var target: StoreArgument
  @Argument(help: "The view.")
  var view: String
  @Argument(help: "Files and folders.")
  var files: [String]
  @Option(
    help: ArgumentHelp(
      "Take a field of the view from a column of another name.", valueName: "FIELD=FILE_COLUMN"))
  var map: [MappingArgument] = []
  @Option(
    help: ArgumentHelp(
      "Take a column under another name: the other way round.", valueName: "FILE_COLUMN=FIELD"))
  var rename: [MappingArgument] = []
  @Option(help: "What the files' times count, if they are integers.")
  var timeUnit: TimeUnitArgument?
  @OptionGroup var text: CSVArgument
  @OptionGroup var folders: FolderArgument
  @OptionGroup var reading: ThreadsArgument
  @Option(help: "What to do with a row of CSV that cannot be read: stop or skip.")
  var onError: CSVErrorPolicy = .stop
  @Flag(help: "Replace the view's whole history by these rows.")
  var replace = false
  @Flag(help: "Read and check everything, and write nothing.")
  var dryRun = false
  @OptionGroup var locks: LockArgument

  func run() throws {
    var options = HistoryOptions()
    options.csv = try text.format()
    options.map = try MappingArgument.dictionary(map, renaming: rename)
    options.policy = onError
    options.timeUnit = timeUnit?.unit
    options.unsignedTexts = folders.uint64AsText
    options.threads = reading.count
    let store = try target.open(writing: !dryRun, locks)
    let view = try store.view(named: self.view)
    let progress = Progress("import")
    let inputs = try folders.files(files, text: text.given)
    var input = ImportInput(
      files: inputs.inputs, view: view, options: options, progress: progress)
    let commit =
      try dryRun
      ? input.drain(into: ImportRehearsal(view.name, of: store)) : write(&input, to: store, view)
    progress.clear()
    report(input, commit, seconds: progress.seconds)
    if replace, commit != nil {
      for name in store.tablesBehind([view.name], afterChangeOf: [view.name]) {
        Terminal.note(BehindText.line(name))
      }
    }
  }

  private func write(
    _ input: inout ImportInput, to store: FeatureStore, _ view: FeatureView
  ) throws -> Commit? {
    let appender = try replace ? store.replacer(of: view.name) : store.appender(to: view.name)
    while let batch = try input.next() {
      do throws(LarderError) { try appender.append(batch) } catch { throw input.located(error) }
    }
    return try appender.commit()
  }

  private func report(_ input: ImportInput, _ commit: Commit?, seconds: Double) {
    input.reportSkipped()
    let rate = Quantity.rate(input.rows, "row", in: seconds)
    let what = dryRun ? "read" : "imported"
    let place = commit.map { " as commit \($0.id)" } ?? ""
    let rows = Quantity.count(input.rows, "row")
    Terminal.note("\(what) \(rows)\(place) in \(Quantity.seconds(seconds)), \(rate)")
    if dryRun { Terminal.note("nothing was changed: this was a dry run") }
  }
}

extension CSVErrorPolicy: ExpressibleByArgument {}
