import ArgumentParser
import Larder
import LarderInterchange

/// Files whose columns are looked at.
struct TableArgument: ParsableArguments {
  @Argument(help: "A Parquet, Arrow or CSV file, or a folder of them.")
  var file: String
  @OptionGroup var text: CSVArgument
  @OptionGroup var reading: FolderArgument

  /// Looks at the files.
  ///
  /// - Throws: what `InputSummary` throws; `invalidArgument` for an option that no file applies.
  func summary() throws(LarderError) -> InputSummary {
    let files = try reading.files([file], text: text.given)
    return try InputSummary(files, csv: text.format(), unsignedTexts: reading.uint64AsText)
  }
}

/// What is done with files of a folder that are no tables, and with numbers that no type holds.
struct FolderArgument: ParsableArguments {
  @Flag(help: "Pass over files in folders that cannot be read.")
  var skipUnreadable = false
  @Flag(
    name: .customLong("uint64-as-text"),
    help: "Take unsigned 64-bit integers of Parquet and Arrow as text.")
  var uint64AsText = false

  /// Looks paths up, and tells what is passed over.
  ///
  /// - Parameter text: options for CSV that were given.
  /// - Throws: what `InputFiles` throws.
  func files(_ paths: [String], text: [String]) throws(LarderError) -> InputFiles {
    let found = try InputFiles(paths, skipsUnreadable: skipUnreadable)
    for error in found.unreadable { Terminal.note("warning: left out: \(error)") }
    try found.requireUse(text: text, tables: uint64AsText ? ["--uint64-as-text"] : [])
    return found
  }
}
