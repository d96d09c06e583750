import ArgumentParser
import Larder
import LarderInterchange

/// `larder put`: rows of files go straight to the online table.
struct Put: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write rows straight to a view's online table.",
    discussion: """
      For values that come as a stream and need not wait for history. Of two rows of one entity \
      the one with the later event time stays, then the one created later, then the one written \
      later, so a file may be put twice. A row that was put wins over a row of history with the \
      same times; once history has a later row, the one that was put is gone for good. Features \
      that a file lacks keep the values they have. Each batch of some ten thousand rows is written \
      wholly or not at all; if a row cannot be read, the batches before it stay, and putting the \
      corrected file again does no harm. History is not changed. - is standard input.

      EXAMPLES
        larder put my.larder driver_stats latest.csv
        tail -n 1000 stream.csv | larder put my.larder driver_stats - --on-error skip
      """)

  @OptionGroup var target: StoreArgument
  @Argument(help: "The view.")
  var view: String
  @Argument(help: "Parquet, Arrow and CSV files, and folders of them.")
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
  @Option(help: "What to do with a row that cannot be read: stop or skip.")
  var onError: CSVErrorPolicy = .stop

  func run() throws {
    var options = HistoryOptions()
    options.csv = try text.format()
    options.map = try MappingArgument.dictionary(map, renaming: rename)
    options.policy = onError
    options.timeUnit = timeUnit?.unit
    options.unsignedTexts = folders.uint64AsText
    let store = try target.openForWriting()
    let online = try store.online(view)
    let progress = Progress("put")
    let inputs = try folders.files(files, text: text.given)
    var input = ImportInput(
      files: inputs.inputs, view: online.view, options: options, progress: progress,
      absent: "stays as it is")
    var written = 0
    do throws(LarderError) {
      while let batch = try input.next() {
        try online.write(batch)
        written += batch.count
      }
    } catch {
      progress.clear()
      if written > 0 {
        Terminal.note("\(Quantity.count(written, "row")) before were written and stay")
      }
      throw error
    }
    progress.clear()
    input.reportSkipped()
    Terminal.note(
      "put \(Quantity.count(written, "row")) in \(Quantity.seconds(progress.seconds)), "
        + Quantity.rate(written, "row", in: progress.seconds))
  }
}
