import ArgumentParser
import Larder
import LarderContract
import LarderInterchange

/// `larder verify`: every byte of the store is looked at.
struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check every checksum, order, count and reference of a store.",
    discussion: """
      Reads everything and changes nothing. Each finding says which file it is in and what it \
      affects. Exit code 1 if there are findings.

      EXAMPLES
        larder verify my.larder
        larder verify my.larder --json
      """)

  @OptionGroup var target: StoreArgument
  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let progress = Progress("verify")
    let report = try target.openForReading().verify()
    progress.clear()
    let output = try ByteOutput.standard()
    if json {
      try output.write { $0 += Self.json(report).write() + [UInt8(ascii: "\n")] }
    } else {
      try output.write(Self.text(report, seconds: progress.seconds))
    }
    try output.finish()
    guard report.findings.isEmpty else {
      throw Findings(description: Quantity.count(report.findings.count, "finding"))
    }
  }

  private static func text(_ report: VerificationReport, seconds: Double) -> String {
    var text = ""
    for finding in report.findings {
      text += "\(finding.error)\n"
      if !finding.affects.isEmpty { text += "  affects \(finding.affects)\n" }
    }
    let outcome = report.findings.isEmpty ? "all is well" : "not all is well"
    return text
      + "\(outcome) as of commit \(report.commit.id): \(Quantity.count(report.files, "file")), "
      + "\(Quantity.bytes(report.bytes)), \(Quantity.count(report.rows, "row")) checked in "
      + "\(Quantity.seconds(seconds))\n"
  }

  private static func json(_ report: VerificationReport) -> JSONValue {
    let findings = report.findings.map { finding in
      JSONValue.object([
        "message": .text(finding.error.message),
        "file": finding.error.file.map { .text($0) } ?? .null,
        "offset": finding.error.offset.map { .integer($0) } ?? .null,
        "affects": .text(finding.affects),
      ])
    }
    return .object([
      "commit": .integer(report.commit.id), "files": .integer(report.files),
      "bytes": .integer(report.bytes), "rows": .integer(report.rows),
      "findings": .array(findings),
    ])
  }
}
