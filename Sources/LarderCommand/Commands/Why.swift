import ArgumentParser
import Larder

/// `larder why`: the rows that were looked at, and the rule that decided.
struct Why: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show why a view answers as it does for one key at one time.",
    discussion: """
      Lists the key's rows around the time asked for, newest first, each with the reason why it is \
      or is not the answer. A key without rows is an answer, not an error.

      EXAMPLES
        larder why my.larder weather origin=EWR --at 2013-06-01T12:34:00Z
        larder why my.larder stats driver_id=1001 --at 2026-03-01 --as-known
      """)

  @OptionGroup var target: StoreArgument
  @Argument(help: "The view.")
  var view: String
  @Argument(help: ArgumentHelp("A join key and its value.", valueName: "key=value"))
  var keys: [MappingArgument] = []
  @Option(name: .customLong("at"), help: ArgumentHelp("The time asked for.", valueName: "TIME"))
  var time: TimeArgument
  @Flag(help: "Count only rows that were known by then: created <= time.")
  var asKnown = false

  func run() throws {
    let store = try target.openForReading()
    let view = try store.view(named: self.view)
    let values = try EntityKeyArgument.values(keys, of: view)
    let names = view.isEntityless ? [] : view.joinKeys.map(\.name)
    let key = Dictionary(uniqueKeysWithValues: zip(names, values))
    let report = try store.why(view.name, key: key, at: time.time, asKnown: asKnown)
    try StandardOutput.write(WhyText(report, of: view, key: key).text)
  }
}
