import ArgumentParser
import Larder
import LarderContract

/// `larder compact`: many small segments become few.
struct Compact: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Merge the segments of each partition into few.",
    discussion: """
      Without --partition, rewrites the closed partitions that are not yet one segment, or of \
      which a quarter is outside the largest one. A partition is closed if a later one has rows; \
      rows of the future do not count. The open partition is left to the merges that follow \
      imports, unless rewriting it is cheap or most of it is in small segments; name it, or say \
      --partition all, to rewrite it. Imports, online writers and readers go on meanwhile. Earlier \
      snapshots keep their files until they are no longer kept. Pending erasures are finished \
      first.

      EXAMPLES
        larder compact my.larder
        larder compact my.larder weather --dry-run
        larder compact my.larder weather --partition 2026-03 --partition 2026-04
        larder compact my.larder --cold --max-seconds 600
      """)

  @OptionGroup var target: StoreArgument
  @Argument(help: "The views; all if none is named.")
  var views: [String] = []
  @Option(help: "A year, month, day or hour of UTC to rewrite: 2026, 2026-03, ...; or all.")
  var partition: [String] = []
  @Flag(help: "Pack smaller, at the price of slower joins.")
  var cold = false
  @Flag(help: "Leave out rows whose key, event and created time a later row repeats.")
  var dedupe = false
  @Option(help: "Begin no further partition after so many seconds.")
  var maxSeconds: SecondsArgument?
  @Flag(help: "Only say what would be done.")
  var dryRun = false
  @OptionGroup var output: ReportArgument
  @OptionGroup var locks: LockArgument

  func run() throws {
    let store = try target.open(writing: !dryRun, locks)
    let report = try store.compact(
      views,
      CompactionOptions(
        partitions: partition, isCold: cold, dropsRepeated: dedupe,
        maxSeconds: maxSeconds?.seconds, isDryRun: dryRun))
    try output.write(report, text: Self.text(report))
  }

  private static func text(_ report: CompactionReport) -> String {
    var text = SpaceText.lines(report.erasure)
    for view in report.views where !view.note.isEmpty {
      text += "\(view.name): \(view.note)\n"
    }
    guard report.views.contains(where: { !$0.partitions.isEmpty }) else {
      return text + "nothing to do\n"
    }
    text += partitions(report)
    if report.isDryRun { return text + "\nnothing was changed: this was a dry run\n" }
    var table = Table([
      "view": .left, "": .left, "segments": .right, "rows": .right, "bytes": .right,
      "debt": .right,
    ])
    for view in report.views where !view.partitions.isEmpty {
      add("before", view.before, view.name, to: &table)
      add("after", view.after, "", to: &table)
    }
    text += "\n" + table.text + "\n"
    for view in report.views where !view.partitions.isEmpty {
      text +=
        "\(view.name): \(Quantity.count(view.rowsWritten, "row")) and "
        + "\(Quantity.bytes(view.bytesWritten)) written in \(Quantity.seconds(view.seconds))"
      if view.rowsRepeated > 0 { text += ", \(Quantity.count(view.rowsRepeated)) repeated" }
      text += view.commit.map { ", commit \($0.id)\n" } ?? "\n"
    }
    return text
      + SpaceText.line(
        returned: report.bytesReturned, waiting: report.bytesWaiting, until: report.waitingUntil)
  }

  private static func partitions(_ report: CompactionReport) -> String {
    var table = Table([
      "view": .left, "partition": .left, "segments": .right, "rows": .right, "debt": .right,
    ])
    for view in report.views {
      for part in view.partitions {
        table.add(
          view.name, part.name, Quantity.count(part.segments), Quantity.count(part.rows),
          Quantity.count(part.debtRows))
      }
    }
    return table.text
  }

  private static func add(
    _ when: String, _ extent: CompactionReport.Extent, _ view: String, to table: inout Table
  ) {
    table.add(
      view, when, Quantity.count(extent.segments), Quantity.count(extent.rows),
      Quantity.bytes(extent.bytes), Quantity.count(extent.debtRows))
  }
}
