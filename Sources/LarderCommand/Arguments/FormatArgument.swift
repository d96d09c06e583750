import ArgumentParser
import Larder
import LarderInterchange

/// A file format on the command line.
package struct FormatArgument: ExpressibleByArgument {
  package var format: FileFormat

  private static let names: KeyValuePairs<String, FileFormat> = [
    "csv": .text, "parquet": .parquet, "arrow": .arrowFile, "arrow-stream": .arrowStream,
  ]

  package init?(argument: String) {
    guard let known = Self.names.first(where: { $0.key == argument }) else { return nil }
    format = known.value
  }

  package static var allValueStrings: [String] { names.map(\.key) }
}

/// The format in which a result is written, and where to.
struct OutputArgument: ParsableArguments {
  @Option(name: [.short, .long], help: ArgumentHelp("Write to a file.", valueName: "FILE"))
  var output: String?
  @Option(
    name: .customLong("format"),
    help: ArgumentHelp(
      "The format to write; if not said, the file's ending decides, else CSV.",
      valueName: "FORMAT"))
  var chosen: FormatArgument?

  /// The format to write.
  var format: FileFormat { chosen?.format ?? output.flatMap(FileFormat.named(by:)) ?? .text }

  /// Where the bytes go.
  func open() throws(LarderError) -> ByteOutput { try ByteOutput.open(output) }
}
