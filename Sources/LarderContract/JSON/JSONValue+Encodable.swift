import LarderColumns

extension JSONValue {
  /// What a value encodes itself as: members in the order of its keys, nothing as null, the names of
  /// a dictionary in order.
  ///
  /// - Throws: `invalidArgument` for what encodes nothing, or fails to.
  package init(encoding value: some Encodable) throws(LarderError) {
    let place = EncodedPlace()
    do { try place.encode(value) } catch let error as LarderError { throw error } catch {
      throw LarderError(.invalidArgument, "A \(type(of: value)) has no JSON: \(error)")
    }
    self = place.value
  }
}

extension Encodable {
  /// The value as JSON text, the one form that the command, C and Python give.
  ///
  /// - Parameter indented: as in `JSONValue.write`.
  package func json(indented: Bool = true) throws(LarderError) -> [UInt8] {
    try JSONValue(encoding: self).write(indented: indented)
  }
}

/// Where a value goes that is being encoded.
private final class EncodedPlace: Encoder {
  private enum Content {
    case nothing
    case whole(JSONValue)
    case members([(name: String, place: EncodedPlace)])
    case elements([EncodedPlace])
  }

  let codingPath: [any CodingKey] = []
  let userInfo: [CodingUserInfoKey: Any] = [:]
  private var content = Content.nothing

  /// What was encoded here.
  var value: JSONValue {
    switch content {
    case .nothing: .null
    case .whole(let value): value
    case .members(let members):
      JSONValue(.object(members.map { Member($0.name, $0.place.value) }))
    case .elements(let elements): .array(elements.map(\.value))
    }
  }

  private typealias Member = JSONValue.Member

  var count: Int { if case .elements(let elements) = content { elements.count } else { 0 } }

  func encode(_ value: some Encodable) throws {
    if let names = value as? [String: any Encodable] {
      content = .members([])
      for (name, value) in names.sorted(by: { $0.key < $1.key }) { try member(name).encode(value) }
    } else {
      try value.encode(to: self)
    }
  }

  func put(_ value: JSONValue) { content = .whole(value) }

  func beginMembers() { if case .members = content {} else { content = .members([]) } }
  func beginElements() { if case .elements = content {} else { content = .elements([]) } }

  /// The place of a member that comes next.
  func member(_ name: String) -> EncodedPlace {
    guard case .members(var members) = content else { return EncodedPlace() }
    content = .nothing
    let place = EncodedPlace()
    members.append((name, place))
    content = .members(members)
    return place
  }

  /// The place of an element that comes next.
  func element() -> EncodedPlace {
    guard case .elements(var elements) = content else { return EncodedPlace() }
    content = .nothing
    let place = EncodedPlace()
    elements.append(place)
    content = .elements(elements)
    return place
  }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    beginMembers()
    return KeyedEncodingContainer(EncodedMembers<Key>(place: self))
  }
  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    beginElements()
    return EncodedElements(place: self)
  }
  func singleValueContainer() -> any SingleValueEncodingContainer { EncodedWhole(place: self) }
}

private struct EncodedMembers<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let place: EncodedPlace
  var codingPath: [any CodingKey] { [] }

  private func put(_ value: JSONValue, _ key: Key) { place.member(key.stringValue).put(value) }

  func encodeNil(forKey key: Key) { put(.null, key) }
  func encode(_ value: Bool, forKey key: Key) { put(.bool(value), key) }
  func encode(_ value: String, forKey key: Key) { put(.text(value), key) }
  func encode(_ value: Double, forKey key: Key) { put(.double(value), key) }
  func encode(_ value: Int, forKey key: Key) { put(.integer(value), key) }
  func encode(_ value: Int32, forKey key: Key) { put(.integer(value), key) }
  func encode(_ value: Int64, forKey key: Key) { put(.integer(value), key) }
  func encode(_ value: UInt32, forKey key: Key) { put(.integer(value), key) }
  func encode(_ value: UInt64, forKey key: Key) { put(.integer(value), key) }
  func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
    try place.member(key.stringValue).encode(value)
  }

  // What is not there is said to be null, so that a report always has the same members.
  func encodeIfPresent(_ value: Bool?, forKey key: Key) {
    put(value.map { .bool($0) } ?? .null, key)
  }
  func encodeIfPresent(_ value: String?, forKey key: Key) {
    put(value.map { .text($0) } ?? .null, key)
  }
  func encodeIfPresent(_ value: Double?, forKey key: Key) {
    put(value.map { .double($0) } ?? .null, key)
  }
  func encodeIfPresent(_ value: Int?, forKey key: Key) {
    put(value.map { .integer($0) } ?? .null, key)
  }
  func encodeIfPresent(_ value: UInt64?, forKey key: Key) {
    put(value.map { .integer($0) } ?? .null, key)
  }
  func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws {
    if let value { try encode(value, forKey: key) } else { encodeNil(forKey: key) }
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Nested> {
    place.member(key.stringValue).container(keyedBy: type)
  }
  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    place.member(key.stringValue).unkeyedContainer()
  }
  func superEncoder() -> any Encoder { place.member("super") }
  func superEncoder(forKey key: Key) -> any Encoder { place.member(key.stringValue) }
}

private struct EncodedElements: UnkeyedEncodingContainer {
  let place: EncodedPlace
  var codingPath: [any CodingKey] { [] }
  var count: Int { place.count }

  func encodeNil() { place.element().put(.null) }
  func encode<T: Encodable>(_ value: T) throws { try place.element().encode(value) }
  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type
  ) -> KeyedEncodingContainer<Nested> {
    place.element().container(keyedBy: type)
  }
  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
    place.element().unkeyedContainer()
  }
  func superEncoder() -> any Encoder { place.element() }
}

private struct EncodedWhole: SingleValueEncodingContainer {
  let place: EncodedPlace
  var codingPath: [any CodingKey] { [] }

  func encodeNil() { place.put(.null) }
  func encode(_ value: Bool) { place.put(.bool(value)) }
  func encode(_ value: String) { place.put(.text(value)) }
  func encode(_ value: Double) { place.put(.double(value)) }
  func encode(_ value: Float) {
    place.put(JSONValue(value.isFinite ? .number("\(value)") : .string("\(value)")))
  }
  func encode(_ value: Int) { place.put(.integer(value)) }
  func encode(_ value: Int8) { place.put(.integer(value)) }
  func encode(_ value: Int16) { place.put(.integer(value)) }
  func encode(_ value: Int32) { place.put(.integer(value)) }
  func encode(_ value: Int64) { place.put(.integer(value)) }
  func encode(_ value: UInt) { place.put(.integer(value)) }
  func encode(_ value: UInt8) { place.put(.integer(value)) }
  func encode(_ value: UInt16) { place.put(.integer(value)) }
  func encode(_ value: UInt32) { place.put(.integer(value)) }
  func encode(_ value: UInt64) { place.put(.integer(value)) }
  func encode<T: Encodable>(_ value: T) throws { try place.encode(value) }
}
