import ArgumentParser
import Larder
import LarderContract
import LarderInterchange

/// `larder vacuum`: the space of earlier snapshots comes back.
struct Vacuum: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Remove earlier snapshots before their time, and give their space back.",
    discussion: """
      The newest snapshot stays, and so do those with tags and those that readers hold. Without \
      --keep nothing else stays. Erasures that something kept from being finished are finished.

      EXAMPLES
        larder vacuum my.larder --dry-run
        larder vacuum my.larder --keep 7d
      """)

  @OptionGroup var target: StoreArgument
  @Option(help: "How long snapshots stay after a newer one took their place, such as 7d.")
  var keep: DurationArgument?
  @Flag(help: "Only say what would be removed.")
  var dryRun = false
  @Flag(help: "Print JSON.")
  var json = false
  @OptionGroup var locks: LockArgument

  func run() throws {
    let store = try dryRun ? target.openForReading() : target.openForWriting(locks)
    let report = try store.vacuum(keeping: keep?.duration ?? .zero, dryRun: dryRun)
    let output = try ByteOutput.standard()
    if json {
      try output.write { $0 += SpaceText.json(report).write() + [UInt8(ascii: "\n")] }
    } else {
      let files = Quantity.count(report.filesRemoved, "file")
      try output.write(
        "\(files) \(dryRun ? "would be " : "")removed; snapshots from commit \(report.oldest) on "
          + "stay\n" + SpaceText.line(report) + SpaceText.lines(report.erasure))
      if dryRun { try output.write("nothing was changed: this was a dry run\n") }
    }
    try output.finish()
  }
}
