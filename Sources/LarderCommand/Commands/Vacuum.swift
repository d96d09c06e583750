import ArgumentParser
import Larder
import LarderContract

/// `larder vacuum`: the space of earlier snapshots comes back.
struct Vacuum: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Remove earlier snapshots before their time, and give their space back.",
    discussion: """
      The newest snapshot stays, and so do those with tags and those that readers hold. Without \
      --keep nothing else stays. Pending erasures are finished.

      EXAMPLES
        larder vacuum my.larder --dry-run
        larder vacuum my.larder --keep 7d
      """)

  @OptionGroup var target: StoreArgument
  @Option(help: "How long snapshots stay after a newer one took their place, such as 7d.")
  var keep: DurationArgument?
  @Flag(help: "Only say what would be removed.")
  var dryRun = false
  @OptionGroup var output: ReportArgument
  @OptionGroup var locks: LockArgument

  func run() throws {
    let store = try target.open(writing: !dryRun, locks)
    let report = try store.vacuum(keeping: keep?.duration ?? .zero, dryRun: dryRun)
    try output.write(report, text: text(report))
  }

  private func text(_ report: SpaceReport) -> String {
    let files = Quantity.count(report.filesRemoved, "file")
    let text =
      "\(files) \(dryRun ? "would be " : "")removed; snapshots from commit \(report.oldest) on "
      + "stay\n" + SpaceText.line(report) + SpaceText.lines(report.erasure)
    return dryRun ? text + "nothing was changed: this was a dry run\n" : text
  }
}
