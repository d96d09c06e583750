import ArgumentParser
import Larder
import LarderContract

/// `larder online`: what the online tables hold.
struct Online: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Show what online tables hold: keys, bytes, dead share, load, watermark; or drop one.",
    discussion: """
      Dead is the share of the written rows that no key needs any more; compaction returns it. \
      Load is keys per place in the index. The watermark is how far history was materialized. With \
      --drop a view's table is removed; history stays, and larder materialize makes the table \
      again, without what was put directly. Dropping asks at a terminal; elsewhere --yes is \
      needed.

      EXAMPLES
        larder online my.larder
        larder online my.larder driver_stats --json
        larder online my.larder driver_stats --drop --yes
      """)

  @OptionGroup var target: StoreArgument
  @Argument(help: "One view.")
  var view: String?
  @Flag(help: "Remove the view's online table.")
  var drop = false
  @Flag(help: "Only say what would be removed.")
  var dryRun = false
  @OptionGroup var consent: ConsentArgument
  @OptionGroup var output: ReportArgument

  func validate() throws {
    if drop, view == nil { throw ValidationError("Name the view whose table is to be dropped.") }
    if dryRun, !drop { throw ValidationError("--dry-run belongs to --drop.") }
  }

  func run() throws {
    if drop, let view { return try drop(view) }
    let store = try target.openForReading()
    var names = try store.definitions().featureViews.map(\.name)
    if let view { names = [try store.view(named: view).name] }
    var found: [(name: String, table: OnlineStatistics?)] = []
    for name in names { found.append((name, try Self.statistics(store, name))) }
    try output.write(
      json: .array(try found.map { try Self.json($0.name, $0.table) }), text: Self.text(found))
  }

  /// Removes a view's table.
  private func drop(_ name: String) throws {
    let store = try dryRun ? target.openForReading() : target.openForWriting()
    let online = try store.online(name)
    guard let table = try Self.statistics(store, name) else {
      return try output.write(
        json: .object(["view": .text(name), "dropped": .bool(false), "dryRun": .bool(dryRun)]),
        text: "the view \"\(name)\" has no online table\n")
    }
    let keys = Quantity.count(table.keys, "key")
    if !dryRun {
      try consent.ask("Drop the online table of \"\(name)\" with \(keys)?")
      try online.drop()
    }
    try output.write(
      json: .object([
        "view": .text(name), "dropped": .bool(!dryRun), "dryRun": .bool(dryRun),
        "keys": .integer(table.keys),
      ]),
      text: dryRun
        ? "would drop the online table of \"\(name)\" with \(keys)\n"
          + "nothing was changed: this was a dry run\n"
        : "dropped the online table of \"\(name)\" with \(keys)\n")
  }

  /// The statistics of a view's table; nil if it has none yet.
  private static func statistics(
    _ store: FeatureStore, _ name: String
  ) throws(LarderError) -> OnlineStatistics? {
    do throws(LarderError) { return try store.online(name).statistics() } catch {
      guard error.code == .notFound else { throw error }
      return nil
    }
  }

  private static func text(_ found: [(name: String, table: OnlineStatistics?)]) -> String {
    var table = Table([
      "view": .left, "keys": .right, "bytes": .right, "per key": .right, "dead": .right,
      "load": .right, "last write": .left, "through": .left, "commit": .right,
    ])
    for (name, statistics) in found {
      guard let statistics else {
        table.add(name, "-", "-", "-", "-", "-", "-", "-", "-")
        continue
      }
      let bytes = statistics.logBytes + statistics.indexBytes
      let perKey =
        statistics.keys > 0 ? Quantity.fixed(Double(bytes) / Double(statistics.keys), 1) : "-"
      table.add(
        name, Quantity.count(statistics.keys), Quantity.bytes(bytes), perKey,
        "\(Quantity.fixed(statistics.deadShare * 100, 1)) %", Quantity.fixed(statistics.load, 2),
        statistics.lastWrite.map { "\($0)" } ?? "-",
        statistics.watermark.map { "\($0.through)" } ?? "-",
        statistics.watermark.map { "\($0.commit)" } ?? "-")
    }
    return table.text
  }

  private static func json(_ name: String, _ statistics: OnlineStatistics?)
    throws(LarderError) -> JSONValue
  {
    guard let statistics else { return .object(["view": .text(name), "keys": .null]) }
    return .object([
      "view": .text(name), "keys": .integer(statistics.keys),
      "logFiles": .integer(statistics.logFiles), "logBytes": .integer(statistics.logBytes),
      "indexBytes": .integer(statistics.indexBytes), "deadShare": .double(statistics.deadShare),
      "load": .double(statistics.load), "lastWrite": try JSONValue(encoding: statistics.lastWrite),
      "watermark": try JSONValue(encoding: statistics.watermark),
      "usesPrivateIndex": .bool(statistics.usesPrivateIndex),
    ])
  }
}
