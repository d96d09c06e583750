import LarderColumns
import LarderContract

/// The members of a caller's JSON object, each asked for by name and kind; `null` counts as absent.
struct Options {
  private let value: JSONValue

  /// What an earlier version called members, and what they are called now.
  private static let earlier = ["patience": "timeout"]

  /// Reads the JSON of an argument.
  ///
  /// - Parameter allowed: the members there may be.
  /// - Throws: `invalidArgument` for what is not JSON, no object, or has another member.
  init(
    _ pointer: UnsafePointer<CChar>?, _ name: String, allowed: [String]
  ) throws(LarderError) {
    var bytes: [UInt8] = []
    if let pointer = unsafe pointer {
      bytes = try unsafe Array(text(pointer, name).utf8)
    }
    try self.init(json: bytes, name, allowed: allowed)
  }

  /// Reads JSON; none stands for an empty object.
  init(json: [UInt8], _ name: String, allowed: [String]) throws(LarderError) {
    let parsed: JSONValue
    do throws(LarderError) {
      parsed = try JSONParser.parse(json.isEmpty ? Array("{}".utf8) : json, file: name)
    } catch {
      throw LarderError(.invalidArgument, error.description)
    }
    try self.init(parsed, name, allowed: allowed)
  }

  /// Takes an object that is a value of another one.
  init(_ value: JSONValue, _ name: String, allowed: [String]) throws(LarderError) {
    guard case .object(let members) = value.content else {
      throw LarderError(.invalidArgument, "The \(name) must be an object, not \(value.kind).")
    }
    for member in members where !allowed.contains(member.name) {
      if let now = Self.earlier[member.name], allowed.contains(now) {
        throw LarderError(
          .invalidArgument,
          "\"\(member.name)\" of the \(name) is called \"\(now)\" now.")
      }
      throw LarderError(
        .invalidArgument,
        "\"\(member.name)\" is not a member of the \(name). "
          + suggestion(for: member.name, among: allowed))
    }
    self.value = value
  }

  private func member(_ name: String) -> JSONValue? {
    guard let member = value.member(name) else { return nil }
    if case .null = member.content { return nil }
    return member
  }

  private func wrong(_ name: String, _ found: JSONValue, _ expected: String) -> LarderError {
    LarderError(
      .invalidArgument, "\"\(name)\" must be \(expected), not \(found.kind).")
  }

  /// Whether a member is there and not null.
  func has(_ name: String) -> Bool { member(name) != nil }

  /// Whether a member is text.
  func isText(_ name: String) -> Bool {
    if case .string? = member(name)?.content { true } else { false }
  }

  func bool(_ name: String, default other: Bool = false) throws(LarderError) -> Bool {
    guard let member = member(name) else { return other }
    guard case .bool(let flag) = member.content else {
      throw wrong(name, member, "true or false")
    }
    return flag
  }

  func string(_ name: String) throws(LarderError) -> String? {
    guard let member = member(name) else { return nil }
    guard case .string(let text) = member.content else { throw wrong(name, member, "a string") }
    return text
  }

  /// A whole number that is not negative.
  func count(_ name: String) throws(LarderError) -> Int? {
    guard let member = member(name) else { return nil }
    guard case .number(let digits) = member.content, let number = Int(digits), number >= 0 else {
      throw wrong(name, member, "a whole number from 0")
    }
    return number
  }

  /// A number of seconds, with a fraction or without, or text as definitions write it: "90d".
  func duration(_ name: String, default other: Duration) throws(LarderError) -> Duration {
    guard let member = member(name) else { return other }
    if case .string(let text) = member.content { return try TimeToLive.parse(text) }
    guard case .number(let digits) = member.content, let seconds = Double(digits), seconds >= 0,
      seconds <= 1e12
    else { throw wrong(name, member, "a number of seconds from 0, or text such as \"90d\"") }
    return .seconds(seconds)
  }

  func time(_ name: String) throws(LarderError) -> Timestamp? {
    guard let member = member(name) else { return nil }
    guard case .string(let text) = member.content else {
      throw wrong(name, member, "a time in ISO 8601")
    }
    return try Timestamp(iso8601: text)
  }

  func strings(_ name: String) throws(LarderError) -> [String]? {
    guard let values = try values(name) else { return nil }
    var texts: [String] = []
    for value in values {
      guard case .string(let text) = value.content else {
        throw wrong(name, value, "an array of strings")
      }
      texts.append(text)
    }
    return texts
  }

  /// Whole numbers that are not negative.
  func counts(_ name: String) throws(LarderError) -> [Int]? {
    guard let values = try values(name) else { return nil }
    var numbers: [Int] = []
    for value in values {
      guard case .number(let digits) = value.content, let number = Int(digits), number >= 0 else {
        throw wrong(name, value, "an array of whole numbers from 0")
      }
      numbers.append(number)
    }
    return numbers
  }

  func values(_ name: String) throws(LarderError) -> [JSONValue]? {
    guard let member = member(name) else { return nil }
    guard case .array(let values) = member.content else { throw wrong(name, member, "an array") }
    return values
  }

  /// The members of a member that is an object, in order.
  func members(_ name: String) throws(LarderError) -> [JSONValue.Member] {
    guard let member = member(name) else { return [] }
    guard case .object(let members) = member.content else {
      throw wrong(name, member, "an object")
    }
    return members
  }
}
