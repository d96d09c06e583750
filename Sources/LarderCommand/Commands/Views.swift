import ArgumentParser
import Larder
import LarderContract

/// `larder views`: what the store knows.
struct Views: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List a store's views.",
    discussion: """
      With --json: the definitions as `larder apply` reads them.

      EXAMPLES
        larder views my.larder
        larder views my.larder --json > definitions.json
      """)

  @OptionGroup var target: StoreArgument
  @Flag(help: "Print the definitions as JSON.")
  var json = false

  func run() throws {
    let definitions = try target.openForReading().definitions()
    if json {
      try StandardOutput.write { $0 += definitions.json }
    } else {
      try StandardOutput.write(Self.table(definitions).text)
    }
  }

  /// A line for each view, then the services.
  private static func table(_ definitions: Definitions) -> Table {
    var table = Table([
      "view": .left, "keys": .left, "ttl": .right, "time": .left, "unit": .left,
      "partition": .left, "features": .left,
    ])
    for view in definitions.featureViews {
      let features = view.features.map { "\($0.name) \($0.type)" }.joined(separator: ", ")
      table.add(
        view.name, ViewText.keys(view), ViewText.timeToLive(view), view.eventTimestamp,
        view.timeUnit.description, view.partition.rawValue, features)
    }
    return table
  }
}
