import LarderColumns

/// A value of a JSON text, with the place it came from.
///
/// Numbers stay the text they were, so that no digit is lost before the reader's type is known.
package struct JSONValue: Sendable {
  /// The kinds of value.
  package enum Content: Sendable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([JSONValue])
    /// Members in the order of the text; names are distinct.
    case object([Member])
  }

  /// A named value of an object.
  package struct Member: Sendable {
    package var name: String
    /// Where the name stands in the text.
    package var offset: Int
    package var value: JSONValue

    package init(_ name: String, offset: Int = 0, _ value: JSONValue) {
      self.name = name
      self.offset = offset
      self.value = value
    }
  }

  package var content: Content
  /// Where the value's first byte stands in the text.
  package var offset: Int

  package init(_ content: Content, offset: Int = 0) {
    self.content = content
    self.offset = offset
  }
}

extension JSONValue {
  /// The member of a name of an object; nil if there is none or this is no object.
  package func member(_ name: String) -> JSONValue? {
    guard case .object(let members) = content else { return nil }
    return members.first { $0.name == name }?.value
  }

  /// What kind of value this is, with its article, for messages.
  package var kind: String {
    switch content {
    case .null: "null"
    case .bool: "true or false"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }

  /// A string value.
  package static func text(_ value: String) -> JSONValue { JSONValue(.string(value)) }
  /// An integer value.
  package static func integer(_ value: some BinaryInteger) -> JSONValue {
    JSONValue(.number(String(value)))
  }
  /// A number; NaN and the infinities, which JSON does not have, become strings.
  package static func double(_ value: Double) -> JSONValue {
    JSONValue(value.isFinite ? .number("\(value)") : .string("\(value)"))
  }
  /// True or false.
  package static func bool(_ value: Bool) -> JSONValue { JSONValue(.bool(value)) }
  /// A list.
  package static func array(_ values: [JSONValue]) -> JSONValue { JSONValue(.array(values)) }
  /// Named values, in order.
  package static func object(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
    JSONValue(.object(members.map { Member($0.key, $0.value) }))
  }
  /// Nothing.
  package static var null: JSONValue { JSONValue(.null) }
}
