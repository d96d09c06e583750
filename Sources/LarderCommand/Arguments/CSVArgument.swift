import ArgumentParser
import Larder
import LarderInterchange

/// How text is read.
struct CSVArgument: ParsableArguments {
  @Option(help: ArgumentHelp("Another spelling of null in CSV.", valueName: "TEXT"))
  var null: [String] = []
  @Option(
    help: ArgumentHelp(
      "The spellings of null that pandas takes, and \"\" in columns that are no text.",
      valueName: "pandas"))
  var nulls: NullSpellings?
  @OptionGroup var cells: CellsArgument

  /// The format.
  ///
  /// - Throws: `invalidArgument` for a delimiter, a pattern or a spelling of null that no format can
  ///   have.
  func format() throws(LarderError) -> CSVFormat {
    guard !null.contains("") else {
      throw LarderError(
        .invalidArgument,
        "--null says how null is written; an empty cell is null already, and --nulls pandas takes \"\" "
          + "for null too where a column is no text.")
    }
    var format = try cells.format(nulls: null + (nulls == nil ? [] : CSVFormat.pandasNulls))
    format.nullsMayBeQuoted = nulls != nil
    return format
  }

  /// The options that were given.
  var given: [String] {
    (null.isEmpty ? [] : ["--null"]) + (nulls == nil ? [] : ["--nulls"]) + cells.given
  }
}

/// Sets of spellings of null.
enum NullSpellings: String, ExpressibleByArgument, CaseIterable {
  case pandas
}

/// What stands between and in the cells of text.
struct CellsArgument: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The character between cells of CSV; tab is a tab. If not said, it is found by looking.",
      valueName: "C"))
  var delimiter: String?
  @Option(
    help: ArgumentHelp(
      "How CSV writes times, such as %d/%m/%Y, if not in ISO 8601.", valueName: "PATTERN"))
  var timeFormat: String?

  /// The format with some spellings of null.
  ///
  /// - Throws: `invalidArgument` for a delimiter, a pattern or a spelling of null that no format can
  ///   have.
  func format(nulls: [String] = []) throws(LarderError) -> CSVFormat {
    var format = try CSVFormat(delimiter: try character(), nulls: nulls)
    format.timePattern = try timeFormat.map { text throws(LarderError) in try TimePattern(text) }
    return format
  }

  private func character() throws(LarderError) -> Character? {
    guard let delimiter else { return nil }
    let named = ["tab": "\t", "\\t": "\t"][delimiter] ?? delimiter
    guard named.count == 1, let character = named.first else {
      throw LarderError(.invalidArgument, "\"\(delimiter)\" is not one character.")
    }
    return character
  }

  /// The options that were given.
  var given: [String] {
    (delimiter == nil ? [] : ["--delimiter"]) + (timeFormat == nil ? [] : ["--time-format"])
  }
}
