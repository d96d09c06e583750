import LarderColumns

extension EntityKey {
  /// Reads Feast's bytes, version 3.
  ///
  /// As in Feast, NULs at the end of a name are not part of it. Names out of order are refused:
  /// such bytes would not come back from `serialized`.
  ///
  /// - Throws: `invalidInput` with the offset for bytes that are no key: truncated, with bytes left
  ///   over, of an unknown type, of a wrong length, not UTF-8, above a limit.
  package static func deserialize(_ bytes: [UInt8]) throws(LarderError) -> EntityKey {
    guard bytes.count <= Limits.keyBytes else {
      throw LarderError(
        .invalidInput, "The entity key has \(bytes.count) bytes; the limit is \(Limits.keyBytes).")
    }
    var reader = KeyReader(bytes: bytes)
    let count = try reader.word("the number of join keys")
    guard count <= Limits.joinKeys else {
      throw reader.error("\(count) join keys; the limit is \(Limits.joinKeys)")
    }
    var names: [String] = []
    for _ in 0..<count {
      let type = try reader.word("a name's type")
      guard type == KeyType.string.rawValue else {
        throw reader.error("a name of type \(type); names are strings (2)")
      }
      var name = try reader.bytes("a name")
      while name.last == 0 { name.removeLast() }
      guard let text = String(validating: name, as: UTF8.self) else {
        throw reader.error("a name that is not UTF-8")
      }
      names.append(text)
    }
    var fields: [(name: String, value: KeyValue)] = []
    for name in names {
      let code = try reader.word("a value's type")
      guard let type = KeyType(rawValue: code) else {
        throw reader.error("a value of type \(code), which keys cannot have")
      }
      let payload = try reader.bytes("a value")
      guard let value = KeyValue(payload, of: type) else {
        throw reader.error("a value of \(payload.count) bytes that is no \(type)")
      }
      fields.append((name, value))
    }
    guard reader.offset == bytes.count else {
      throw reader.error("\(bytes.count - reader.offset) bytes after the end of the key")
    }
    let key = try EntityKey(fields)
    guard zip(key.schema.columns, names).allSatisfy({ $0.name.utf8.elementsEqual($1.utf8) }) else {
      throw reader.error("names that are not in the order of their UTF-8 bytes")
    }
    return key
  }
}

/// A cursor over a key's bytes.
private struct KeyReader {
  let bytes: [UInt8]
  var offset = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func word(_ what: String) throws(LarderError) -> UInt32 {
    guard bytes.count - offset >= 4 else { throw error("only a part of \(what)") }
    defer { offset += 4 }
    return UInt32(littleEndian: bytes[offset..<offset + 4])
  }

  mutating func bytes(_ what: String) throws(LarderError) -> ArraySlice<UInt8> {
    let count = Int(try word("the length of \(what)"))
    guard count <= bytes.count - offset else { throw error("only a part of \(what)") }
    defer { offset += count }
    return bytes[offset..<offset + count]
  }

  func error(_ found: String) -> LarderError {
    LarderError(
      .invalidInput, "The serialized entity key holds \(found).", offset: UInt64(offset))
  }
}
