import ArgumentParser
import Larder
import LarderInterchange

/// How text is read.
struct CSVArgument: ParsableArguments {
  @Option(help: ArgumentHelp("Another spelling of null in CSV.", valueName: "TEXT"))
  var null: [String] = []
  @OptionGroup var cells: DelimiterArgument

  /// The format.
  ///
  /// - Throws: `invalidArgument` for a delimiter or a spelling of null that no format can have.
  func format() throws(LarderError) -> CSVFormat { try cells.format(nulls: null) }
}

/// What stands between the cells of text.
struct DelimiterArgument: ParsableArguments {
  @Option(help: ArgumentHelp("The character between cells; tab is a tab.", valueName: "C"))
  var delimiter: String = ","

  /// The format with some spellings of null.
  ///
  /// - Throws: `invalidArgument` for a delimiter or a spelling of null that no format can have.
  func format(nulls: [String] = []) throws(LarderError) -> CSVFormat {
    let named = ["tab": "\t", "\\t": "\t"][delimiter] ?? delimiter
    guard named.count == 1, let character = named.first else {
      throw LarderError(.invalidArgument, "\"\(delimiter)\" is not one character.")
    }
    return try CSVFormat(delimiter: character, nulls: nulls)
  }
}
