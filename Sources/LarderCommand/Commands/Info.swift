import ArgumentParser
import Larder
import LarderContract

/// `larder info`: what the store holds and what it takes.
struct Info: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what a store holds: rows, keys, time ranges, bytes.",
    discussion: """
      Of one view also the bytes of each column and how they are encoded. Debt is rows outside the \
      largest segments of their partitions, which compaction would bring together.

      EXAMPLES
        larder info my.larder
        larder info my.larder weather
        larder info my.larder --json
      """)

  @OptionGroup var target: StoreArgument
  @Argument(help: "One view.")
  var view: String?
  @OptionGroup var output: ReportArgument

  func run() throws {
    let store = try target.openForReading()
    var report = try store.info()
    if let view {
      _ = try store.view(named: view)
      report.views.removeAll { $0.name != view }
    }
    try output.write(report, text: Self.text(report, isDetailed: view != nil))
  }

  private static func text(_ report: StoreReport, isDetailed: Bool) -> String {
    var text = "commit \(report.commit.id), \(report.commit.time)\n\n"
    var table = Table([
      "view": .left, "rows": .right, "keys": .right, "from": .left, "to": .left,
      "segments": .right, "partitions": .right, "bytes": .right, "per row": .right,
      "debt": .right,
    ])
    for view in report.views {
      let perRow = view.rows > 0 ? Quantity.fixed(Double(view.bytes) / Double(view.rows), 1) : "-"
      table.add(
        view.name, Quantity.count(view.rows), Quantity.count(view.keys),
        view.firstEvent.map { "\($0)" } ?? "-", view.lastEvent.map { "\($0)" } ?? "-",
        Quantity.count(view.segments), Quantity.count(view.partitions),
        Quantity.bytes(view.bytes), perRow, Quantity.count(view.debtRows))
    }
    text += table.text
    for note in report.notes { text += "\n\(note)\n" }
    guard isDetailed, let view = report.views.first else { return text }
    var parts = Table([
      "part": .left, "bytes": .right, "per row": .right, "encodings": .left,
    ])
    for part in view.parts {
      let perRow = view.rows > 0 ? Quantity.fixed(Double(part.bytes) / Double(view.rows), 2) : "-"
      parts.add(
        part.name, Quantity.bytes(part.bytes), perRow, part.encodings.joined(separator: ", "))
    }
    return text + "\n" + parts.text
  }
}
