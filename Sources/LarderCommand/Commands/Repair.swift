import ArgumentParser
import Larder

/// `larder repair`: what is derived is built anew.
struct Repair: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Build anew what is derived: key maps, online indexes, STATE.",
    discussion: """
      Touches nothing that was committed. Damage of segments, key logs, row logs or the manifest is \
      listed, and only a backup mends it. Asks at a terminal; elsewhere --yes is needed. Exit code \
      1 if damage is left.

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
      try consent.ask("Build anew what is derived and does not hold?")
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
        description: "\(Quantity.count(report.findings.count, "finding")) that a backup must mend")
    }
  }
}
