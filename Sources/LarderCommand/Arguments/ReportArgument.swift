import ArgumentParser
import Larder
import LarderContract

/// The form in which a command tells what it found or did: for people, or for programs.
struct ReportArgument: ParsableArguments {
  @Flag(help: "Print JSON.")
  var json = false

  /// Writes a report to standard output, in the one form that it has for programs or as text.
  ///
  /// - Throws: as `write(json:text:)`.
  func write(_ report: some Encodable, text: @autoclosure () throws -> String) throws {
    try write(json: try JSONValue(encoding: report), text: try text())
  }

  /// Writes the report to standard output; only the form that is asked for is made.
  ///
  /// - Throws: `io` if standard output does not take everything; what making the report throws.
  func write(
    json value: @autoclosure () throws -> JSONValue, text: @autoclosure () throws -> String
  ) throws {
    guard json else { return try StandardOutput.write(text()) }
    let line = try value().write() + [UInt8(ascii: "\n")]
    try StandardOutput.write { $0 += line }
  }
}
