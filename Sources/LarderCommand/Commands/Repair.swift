import ArgumentParser
import Larder

/// `larder repair`: what is derived is rebuilt.
struct Repair: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Rebuild what is derived: key maps, online indexes, STATE.",
    discussion: """
      Touches nothing that was committed. Damage of segments, key logs, row logs or the manifest \
      is listed, and only a backup restores it. Asks at a terminal; elsewhere --yes is needed. \
      Exit code 1 if damage is left.

      EXAMPLES
        larder repair my.larder --dry-run
        larder repair my.larder --yes
      """)

  @OptionGroup var target: StoreArgument
  @Flag(help: "Only say what would be done.")
  var dryRun = false
  @OptionGroup var consent: ConsentArgument
  @OptionGroup var locks: LockArgument

  func run() throws {
    let store = try target.open(writing: !dryRun, locks)
    if !dryRun {
      try consent.ask("Rebuild what is derived and damaged?")
    }
    let report = try store.repair(dryRun: dryRun)
    var text = ""
    for step in report.steps {
      text += "\(dryRun ? "would " : "")\(step.action): \(step.path)\n  \(step.reason)\n"
    }
    for finding in report.findings {
      text += "\(finding.error)\n  affects \(finding.affects)\n"
    }
    if report.steps.isEmpty { text += "nothing derived needs repair\n" }
    try StandardOutput.write(text)
    guard report.findings.isEmpty else {
      throw Findings(
        description:
          "\(Quantity.count(report.findings.count, "finding")) that only a backup restores")
    }
  }
}
