import ArgumentParser
import Larder
import LarderInterchange

/// Files whose columns are looked at.
struct TableArgument: ParsableArguments {
  @Argument(help: "A Parquet, Arrow or CSV file, or a folder of them.")
  var file: String
  @Option(help: ArgumentHelp("Another spelling of null in CSV.", valueName: "TEXT"))
  var null: [String] = []
  @Option(help: ArgumentHelp("The character between cells; tab is a tab.", valueName: "C"))
  var delimiter: String = ","

  /// Looks at the files.
  func summary() throws(LarderError) -> InputSummary {
    try InputSummary([file], csv: format())
  }

  /// How CSV is read.
  func format() throws(LarderError) -> CSVFormat {
    try CSVFormat.parsed(delimiter: delimiter, nulls: null)
  }
}
