import ArgumentParser
import Larder

/// `larder drop`: a view and its history go.
struct Drop: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Drop a view and its history.",
    discussion: """
      Snapshots from before still show the view until they are no longer kept; then its files go. \
      Asks at a terminal; elsewhere --yes is needed.

      EXAMPLES
        larder drop my.larder weather --dry-run
        larder drop my.larder weather --yes
      """)

  @OptionGroup var target: StoreArgument
  @Argument(help: "The view to drop.")
  var view: String
  @Flag(help: "Only say what would change.")
  var dryRun = false
  @OptionGroup var consent: ConsentArgument
  @OptionGroup var locks: LockArgument

  func run() throws {
    if dryRun {
      let store = try target.openForReading()
      return ChangeReport.print(try store.drop(view: view, dryRun: true), dryRun: true)
    }
    let store = try target.openForWriting(locks)
    _ = try store.view(named: view)
    try consent.ask("Drop view \"\(view)\" and its history?")
    ChangeReport.print(try store.drop(view: view), dryRun: false)
  }
}
