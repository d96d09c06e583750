import ArgumentParser
import Larder
import LarderContract

/// `larder materialize`: the latest rows of history go to the online tables.
struct Materialize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Bring online tables up to date with history.",
    discussion: """
      Without --from, each view goes on from where the last run ended, late rows included, through \
      --to or now; a --to before that changes nothing. After a change of history that took rows or \
      features away, such as import --replace, rollback or expire, every value is recomputed from \
      history, and with --full always; then the table is as of --to, also an earlier one. What was \
      put directly stays unless history has something later: that is gone then, and does not come \
      back. With --from, the latest row of each entity in that range is written and the next run \
      goes on from where it would have. A run that was interrupted is simply repeated: what is \
      there already changes nothing. A row of more than 16 MiB is left out, reported by name, with \
      exit code 1; all others are written.

      EXAMPLES
        larder materialize my.larder
        larder materialize my.larder driver_stats weather
        larder materialize my.larder driver_stats --from 2026-01-01 --to 2026-02-01
        larder materialize my.larder driver_stats --full --to 2026-02-01
      """)

  @OptionGroup var target: StoreArgument
  @Argument(help: "The views; all if none is named.")
  var views: [String] = []
  @Option(help: ArgumentHelp("The first event time.", valueName: "T"))
  var from: TimeArgument?
  @Option(help: ArgumentHelp("The last event time; now if not said.", valueName: "T"))
  var to: TimeArgument?
  @Flag(help: "Recompute every value from history.")
  var full = false
  @OptionGroup var output: ReportArgument

  func validate() throws {
    if full, from != nil { throw ValidationError("--full takes all of history; leave --from out.") }
  }

  func run() throws {
    let store = try target.openForWriting()
    let known = try store.definitions().featureViews.map(\.name)
    // All names are checked before any work is done.
    let names = try views.isEmpty ? known : views.map { try store.view(named: $0).name }
    var reports: [MaterializationReport] = []
    for name in names {
      let progress = Progress("materialize \(name)")
      let report = try materialize(store, name, progress)
      progress.clear()
      reports.append(report)
    }
    try output.write(reports, text: Self.text(reports))
    let leftOut = reports.flatMap(\.leftOut)
    for row in leftOut { Terminal.note("left out: \(row)") }
    guard leftOut.isEmpty else {
      throw Findings(description: "\(Quantity.count(leftOut.count, "row")) left out")
    }
  }

  private func materialize(
    _ store: FeatureStore, _ view: String, _ progress: Progress
  ) throws(LarderError) -> MaterializationReport {
    let through = to?.time ?? .now
    guard let from else {
      return try store.materialize(
        view, through: through, full: full, progress: { progress.show(rows: $0, part: nil) },
        isCancelled: { Interrupt.isRequested })
    }
    return try store.materialize(
      view, from: from.time, through: through,
      progress: { progress.show(rows: $0, part: nil) }, isCancelled: { Interrupt.isRequested })
  }

  private static func text(_ reports: [MaterializationReport]) -> String {
    var table = Table([
      "view": .left, "rows": .right, "late": .right, "changed keys": .right, "seconds": .right,
      "rate": .right, "through": .left,
    ])
    for report in reports {
      table.add(
        report.view, Quantity.count(report.rows) + (report.isRebuilt ? " recomputed" : ""),
        Quantity.count(report.lateRows),
        Quantity.count(report.changedKeys), Quantity.fixed(report.seconds, 2),
        Quantity.rate(report.rows, "row", in: report.seconds),
        report.watermark.map { "\($0.through)" } ?? "-")
    }
    return table.text
  }
}
