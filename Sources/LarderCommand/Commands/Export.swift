import ArgumentParser
import Larder
import LarderInterchange

/// `larder export`: a view's history as a file.
struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a view's history as CSV, Parquet or Arrow.",
    discussion: """
      Every row with from <= event time <= to, both inclusive, in a form that `larder import` \
      reads back to the same values.

      EXAMPLES
        larder export my.larder weather -o weather.parquet
        larder export my.larder weather -o weather.csv
        larder export my.larder weather --from 2013-06-01 --to 2013-06-30 | head
      """)

  @OptionGroup var target: StoreArgument
  @Argument(help: "The view.")
  var view: String
  @Option(help: ArgumentHelp("The first event time.", valueName: "T"))
  var from: TimeArgument?
  @Option(help: ArgumentHelp("The last event time.", valueName: "T"))
  var to: TimeArgument?
  @Option(
    help: ArgumentHelp("Export the history as of a commit, tag or time.", valueName: "COMMIT"))
  var at: CommitArgument?
  @Option(help: ArgumentHelp("Memory to take at most, such as 512M.", valueName: "SIZE"))
  var memory: SizeArgument?
  @OptionGroup var output: OutputArgument

  func run() throws {
    let store = try target.openForReading(at: at)
    let job = try store.pullAll(
      view, from: from?.time, through: to?.time, options: PullOptions(memoryBytes: memory?.bytes))
    let progress = Progress("export")
    let rows = try AnswerOutput(
      job: job, spine: nil, format: output.format, csv: .standard
    ).write(to: output.open())
    progress.clear()
    Terminal.note(
      "\(Quantity.count(rows, "row")) in \(Quantity.seconds(progress.seconds))")
  }
}
