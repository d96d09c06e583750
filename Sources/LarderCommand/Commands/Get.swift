import ArgumentParser
import Larder
import LarderContract
import LarderInterchange

/// `larder get`: the latest features of one entity.
struct Get: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show the latest features of one entity from the online table.",
    discussion: """
      Of each feature the value and how it was answered: present, nullValue, notFound, or \
      outsideMaxAge for a row that is older than the time to live. An entity without a row is an \
      answer, not an error.

      EXAMPLES
        larder get my.larder driver_stats driver_id=1001
        larder get my.larder weather origin=EWR --features temp,visib --json
        larder get my.larder driver_stats driver_id=1001 --at 2026-03-01T12:00:00Z
      """)

  @OptionGroup var target: StoreArgument
  @Argument(help: "The view.")
  var view: String
  @Argument(help: ArgumentHelp("A join key and its value.", valueName: "key=value"))
  var keys: [MappingArgument] = []
  @Option(help: ArgumentHelp("Features; all if not said.", valueName: "a,b"))
  var features: String?
  @Option(
    name: .customLong("at"),
    help: ArgumentHelp("When the time to live is judged; now if not said.", valueName: "T"))
  var time: TimeArgument?
  @OptionGroup var output: ReportArgument

  func run() throws {
    let store = try target.openForReading()
    let online = try store.online(view)
    let values = try EntityKeyArgument.values(keys, of: online.view)
    let joinKeys = online.view.isEntityless ? [] : online.view.joinKeys
    var key: [String: Value] = [:]
    for (joinKey, value) in zip(joinKeys, values) { key[joinKey.name] = value }
    let names = features.map { $0.split(separator: ",").map(String.init) }
    let answer: OnlineValues
    do throws(LarderError) {
      answer = try online.row(key, features: names, at: time?.time)
    } catch {
      throw OnlineAdvice.advised(error, view)
    }
    let named = joinKeys.map { ($0.name, key[$0.name] ?? .null) }
    try output.write(json: try Self.json(answer, view, named), text: Self.text(answer, view, named))
  }

  private static func text(
    _ answer: OnlineValues, _ view: String, _ key: [(name: String, value: Value)]
  ) -> String {
    let subject = ([view] + key.map { "\($0.name)=\(CellText.text($0.value))" })
    var text = "\(subject.joined(separator: " ")): \(answer.status)\n"
    guard let event = answer.eventTime else { return text }
    text += "event time \(event)\(answer.age.map { ", age \(Quantity.duration($0))" } ?? "")\n"
    if answer.features.isEmpty { return text }
    var table = Table(["feature": .left, "value": .left, "status": .left])
    for feature in answer.features {
      let value = feature.value == .null ? "-" : CellText.text(feature.value)
      table.add(feature.name, value, "\(feature.status)")
    }
    return text + "\n" + table.text
  }

  private static func json(
    _ answer: OnlineValues, _ view: String, _ key: [(name: String, value: Value)]
  ) throws(LarderError) -> JSONValue {
    let keys = key.map { JSONValue.Member($0.name, CellText.json($0.value)) }
    let features = answer.features.map { feature in
      JSONValue.Member(
        feature.name,
        .object([
          "value": CellText.json(feature.value), "status": .text("\(feature.status)"),
        ]))
    }
    return .object([
      "view": .text(view), "key": JSONValue(.object(keys)), "status": .text("\(answer.status)"),
      "eventTime": try JSONValue(encoding: answer.eventTime),
      "ageSeconds": answer.age.map { .double(Progress.seconds($0)) } ?? .null,
      "readAt": try JSONValue(encoding: answer.readAt), "features": JSONValue(.object(features)),
    ])
  }
}

/// What to do about a view without an online table.
enum OnlineAdvice {
  /// The error with the command that helps, if it is about a missing table.
  static func advised(_ error: LarderError, _ view: String) -> LarderError {
    guard error.code == .notFound, error.message.contains("no online table") else { return error }
    return LarderError(
      .notFound,
      "The view \"\(view)\" has no online table yet; `larder materialize` makes one from history, "
        + "`larder put` from a file.")
  }
}
