import ArgumentParser
import Larder
import LarderInterchange

/// Files whose columns are looked at.
struct TableArgument: ParsableArguments {
  @Argument(help: "A Parquet, Arrow or CSV file, or a folder of them.")
  var file: String
  @OptionGroup var text: CSVArgument

  /// Looks at the files.
  func summary() throws(LarderError) -> InputSummary {
    try InputSummary([file], csv: text.format())
  }
}
