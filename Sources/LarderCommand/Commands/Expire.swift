import ArgumentParser
import Larder
import LarderContract

/// `larder expire`: old rows of a view go.
struct Expire: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Remove the rows of a view that are older than an age.",
    discussion: """
      Age is counted from the newest event of the view that is not in the future, so that neither \
      a row of the far future nor a view that is no longer fed loses everything. Rows that are \
      imported later stay, however old, until the next time. Earlier snapshots still show \
      everything until they are no longer kept. The online table stays as it is until the next \
      larder materialize, which recomputes every value. Asks at a terminal; elsewhere --yes is \
      needed.

      EXAMPLES
        larder expire my.larder weather --older-than 90d --dry-run
        larder expire my.larder weather --older-than 90d --yes
      """)

  @OptionGroup var target: StoreArgument
  @Argument(help: "The view.")
  var view: String
  @Option(help: "The age from which on rows go, such as 90d, 12h or 4w.")
  var olderThan: DurationArgument
  @Flag(help: "Only say what would expire.")
  var dryRun = false
  @OptionGroup var consent: ConsentArgument
  @OptionGroup var output: ReportArgument
  @OptionGroup var locks: LockArgument

  func run() throws {
    let store = try target.open(writing: !dryRun, locks)
    let told = try store.expire(view, olderThan: olderThan.duration, dryRun: true)
    var report = told
    if !dryRun, told.rows > 0 {
      let before = told.cutoff.map { "before \($0)" } ?? ""
      try consent.ask(
        "Take away \(Quantity.count(told.rows, "row")) of \"\(view)\" \(before)?")
      report = try store.expire(view, olderThan: olderThan.duration)
    }
    try output.write(report, text: text(report))
  }

  private func text(_ report: ExpiryReport) -> String {
    guard let cutoff = report.cutoff, report.rows > 0 else { return "nothing has expired\n" }
    var text =
      "\(report.view): \(Quantity.count(report.rows, "row")) before \(cutoff) "
      + "\(dryRun ? "would expire" : "expired"), \(Quantity.count(report.rowsLeft)) left; "
      + "\(Quantity.count(report.segmentsRemoved, "segment")) whole, "
      + "\(Quantity.count(report.segmentsRewritten)) in part"
    text += report.commit.map { ", commit \($0.id)\n" } ?? "\n"
    if let space = report.space { text += SpaceText.line(space) }
    if report.isTableBehind { text += BehindText.lines([report.view]) }
    return dryRun ? text + "nothing was changed: this was a dry run\n" : text
  }
}
