import CLarder
import Larder
import LarderColumns
import LarderContract
import LarderInterchange

/// Explains an answer; see `larder.h`.
@c @implementation public func larder_why(
  _ store: OpaquePointer?, _ view: UnsafePointer<CChar>?, _ query: UnsafePointer<CChar>?,
  _ report: TextPlace?, _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let store = try unsafe object(store, StoreHandle.self, "store").store
    let name = try unsafe text(view, "view")
    let given = try unsafe Options(
      query, "query", allowed: ["key", "at", "asKnown", "limit"])
    guard let time = try given.time("at") else {
      throw LarderError(.invalidArgument, "\"at\" is missing: the time asked for.")
    }
    let definition = try store.view(named: name)
    var key: [String: Value] = [:]
    for member in try given.members("key") {
      let type = definition.joinKeys.first { $0.name == member.name }?.type
      key[member.name] = try keyValue(member, type)
    }
    let found = try store.why(
      name, key: key, at: time, asKnown: try given.bool("asKnown"),
      limit: try given.count("limit") ?? 20)
    let features = definition.features.map(\.name)
    try unsafe handOut(try found.json(features).write(indented: false), to: report)
  }
}

/// A key's value: numbers as they are, texts by the key's type.
private func keyValue(
  _ member: JSONValue.Member, _ type: JoinKeyType?
) throws(LarderError) -> Value {
  switch member.value.content {
  case .number(let digits):
    if let number = Int64(digits) { return .int64(number) }
  case .string(let text):
    return switch type {
    case .bytes, .timestamp, .int32, .int64:
      try CellText.value(of: text, type: type?.dataType ?? .string)
    case .string, nil: .string(text)
    }
  default: break
  }
  throw LarderError(
    .invalidArgument,
    "The key \"\(member.name)\" must be a whole number or a string, not \(member.value.kind).",
    column: member.name)
}

extension WhyReport {
  /// The report as JSON; values are texts as CSV has them, null for nulls.
  ///
  /// - Parameter features: the names of the values.
  fileprivate func json(_ features: [String]) -> JSONValue {
    let rows = candidates.map { row in
      let values = zip(features, row.values).map { name, value in
        JSONValue.Member(name, value == .null ? .null : .text(CellText.text(value)))
      }
      return JSONValue.object([
        "event": .text("\(row.event)"), "created": row.created.map { .text("\($0)") } ?? .null,
        "commits": .array([
          .integer(row.commits.lowerBound), .integer(row.commits.upperBound),
        ]), "verdict": .text(row.verdict.rawValue), "values": JSONValue(.object(values)),
      ])
    }
    let counted = counts.sorted { $0.key.rawValue < $1.key.rawValue }.map { count in
      JSONValue.Member(count.key.rawValue, .integer(count.value))
    }
    return .object([
      "view": .text(view), "time": .text("\(time)"), "status": .text(status.rawValue),
      "rule": .text(rule), "candidates": .array(rows), "counts": JSONValue(.object(counted)),
    ])
  }
}
