import ArgumentParser
import Larder
import LarderContract

/// `larder rollback`: an earlier state is the newest again.
struct Rollback: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make the state of an earlier commit the newest again.",
    discussion: """
      Views, definitions and rows go back, in one commit. Nothing is lost: the commits in between \
      stay snapshots until they are no longer kept, and a rollback can be rolled back. Online \
      tables stay as they are until the next larder materialize, which recomputes every value; a \
      row that was put and then replaced by a later one of history does not come back. Asks at a \
      terminal; elsewhere --yes is needed.

      EXAMPLES
        larder rollback my.larder --to 17 --dry-run
        larder rollback my.larder --to before-cleanup --yes
      """)

  @OptionGroup var target: StoreArgument
  @Option(
    help: ArgumentHelp(
      "The commit or tag, as larder snapshots lists it, or a time: the last commit not later.",
      valueName: "COMMIT"))
  var to: CommitArgument
  @Flag(help: "Only say what would change.")
  var dryRun = false
  @OptionGroup var consent: ConsentArgument
  @OptionGroup var output: ReportArgument
  @OptionGroup var locks: LockArgument

  func run() throws {
    let store = try target.open(writing: !dryRun, locks)
    let commit = try to.commit(in: store).id
    var report = try store.rollback(to: commit, dryRun: true)
    if !dryRun, report.from.id != commit {
      try consent.ask(
        "Make commit \(commit) of \(report.to.time) the newest again?")
      report = try store.rollback(to: commit)
    }
    try output.write(report, text: text(report))
  }

  private func text(_ report: RollbackReport) -> String {
    var text = "from commit \(report.from.id) of \(report.from.time)\n"
    text += "to   commit \(report.to.id) of \(report.to.time)\n"
    if report.views.isEmpty {
      text += "no view differs\n"
    } else {
      var table = Table(["view": .left, "rows before": .right, "rows after": .right])
      for view in report.views {
        table.add(
          view.name, view.rowsBefore.map { Quantity.count($0) } ?? "-",
          view.rowsAfter.map { Quantity.count($0) } ?? "-")
      }
      text += table.text
    }
    if dryRun { return text + "nothing was changed: this was a dry run\n" }
    return text + (report.commit.map { "done by commit \($0.id)\n" } ?? "nothing to do\n")
      + BehindText.lines(report.tablesBehind)
  }
}
