import ArgumentParser
import Larder
import LarderInterchange

/// `larder why`: the rows that were looked at, and the rule that decided.
struct Why: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show why a view answers as it does for one key at one time.",
    discussion: """
      Lists the key's rows around the time asked for, newest first, each with what speaks for or \
      against it. Reads the whole view, so it takes as long as an export. A key without rows is an \
      answer, not an error.

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
    let key = try Self.key(MappingArgument.dictionary(keys), of: view)
    var asked = WhyCase(view: view, key: key, time: time.time, asKnown: asKnown)
    try store.pullAll(view.name).forEachBatch { batch in
      try Interrupt.check()
      asked.look(at: batch)
    }
    let output = try ByteOutput.standard()
    try output.write(asked.text)
    try output.finish()
  }

  /// The values of the view's join keys, in the view's order.
  ///
  /// - Throws: `notFound` for a key that the view does not have; `invalidArgument` for one that is
  ///   missing or whose value is not of its type.
  private static func key(
    _ given: [String: String], of view: FeatureView
  ) throws(LarderError) -> [Value] {
    let names = view.isEntityless ? [] : view.joinKeys.map(\.name)
    for name in given.keys.sorted() where !names.contains(name) {
      throw LarderError(
        .notFound,
        "View \"\(view.name)\" has no join key \"\(name)\". "
          + suggestion(for: name, among: names))
    }
    var values: [Value] = []
    for key in view.isEntityless ? [] : view.joinKeys {
      guard let text = given[key.name] else {
        throw LarderError(
          .invalidArgument,
          "View \"\(view.name)\" is asked by \(names.joined(separator: ", ")); say "
            + "\(key.name)=VALUE.")
      }
      values.append(try CellText.value(of: text, type: key.type.dataType))
    }
    return values
  }
}
