import ArgumentParser
import Larder
import LarderContract

/// `larder verify`: every byte of the store is looked at.
struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check every checksum, order, count and reference of a store.",
    discussion: """
      Reads everything and changes nothing: history and earlier snapshots, keys, online tables. \
      Each finding says which file it is in, where, and what it affects. With --deep every value \
      is decoded, and zone maps and hashes are computed again. Exit code 1 if there are findings; \
      then the last snapshot is named of which nothing was found wrong. An erasure that is not \
      finished and commits that the next writer settles are reported, but are no findings. With \
      --parity instead: whether the online tables say at their watermarks what the join says at \
      that time and commit, each key once; of keys that were written directly, what they have of \
      history's is compared.

      EXAMPLES
        larder verify my.larder
        larder verify my.larder --deep --json
        larder verify my.larder --parity --sample 10000
      """)

  @OptionGroup var target: StoreArgument
  @Flag(help: "Decode every value; compute zone maps and hashes again.")
  var deep = false
  @Flag(help: "Compare the online tables with history.")
  var parity = false
  @Option(help: ArgumentHelp("Compare so many keys of each view, not all.", valueName: "N"))
  var sample: CountArgument?
  @Option(help: ArgumentHelp("Draw the same sample again.", valueName: "SEED"))
  var seed: UInt64?
  @OptionGroup var output: ReportArgument

  func validate() throws {
    if !parity, sample != nil || seed != nil {
      throw ValidationError("--sample and --seed belong to --parity.")
    }
  }

  func run() throws {
    if parity { return try compareWithHistory() }
    let progress = Progress("verify")
    let report = try target.openForReading().verify(deep: deep)
    progress.clear()
    try output.write(
      report, text: Self.text(report, seconds: progress.seconds))
    guard report.findings.isEmpty else {
      throw Findings(description: Quantity.count(report.findings.count, "finding"))
    }
  }

  private func compareWithHistory() throws {
    let progress = Progress("parity")
    let report = try target.openForReading().verifyParity(
      sample: sample?.count, seed: seed, progress: { progress.show(rows: $0, part: nil) },
      isCancelled: { Interrupt.isRequested })
    progress.clear()
    let text = ParityText(report: report)
    try output.write(report, text: text.text(seconds: progress.seconds))
    guard report.isEqual else {
      let differences = report.views.reduce(0) { $0 + $1.differences }
      throw Findings(description: Quantity.count(differences, "difference"))
    }
  }

  private static func text(_ report: VerificationReport, seconds: Double) -> String {
    var text = ""
    for finding in report.findings {
      text += "\(finding.error)\n"
      if !finding.affects.isEmpty { text += "  affects \(finding.affects)\n" }
    }
    if !report.findings.isEmpty {
      text +=
        report.lastGood.map {
          "the last good snapshot is commit \($0.id) of \($0.time): `larder rollback --to \($0.id)`\n"
        } ?? "of no snapshot that is kept all is well\n"
    }
    for note in report.notes { text += "\(note)\n" }
    let outcome = report.findings.isEmpty ? "all is well" : "not all is well"
    return text
      + "\(outcome) as of commit \(report.commit.id): \(Quantity.count(report.files, "file")), "
      + "\(Quantity.bytes(report.bytes)), \(Quantity.count(report.rows, "row")) checked in "
      + "\(Quantity.seconds(seconds))\n"
  }
}
