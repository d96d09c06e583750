import LarderColumns
import LarderKeys
import TestSupport
import Testing

@Suite struct EntityKeyTests {
  @Test func writesTheBytesThatFeastWrites() throws {
    let golden = try GoldenVectors.load()
    #expect(golden.vectors.count == 35)
    for vector in golden.vectors {
      let values = try vector.entityValues.map { try $0.keyValue }
      let key = try EntityKey(Array(zip(vector.joinKeys, values)))
      #expect(key.serialized == GoldenVectors.bytes(vector.hex), "\(vector.name)")
      #expect(key.schema.prefix == GoldenVectors.bytes(vector.prefixHex), "\(vector.name)")
    }
  }

  @Test func readsTheBytesThatFeastWrites() throws {
    for vector in try GoldenVectors.load().vectors {
      let bytes = GoldenVectors.bytes(vector.hex)
      let key = try EntityKey.deserialize(bytes)
      #expect(key.values.count == vector.deserialized.count, "\(vector.name)")
      for (position, parts) in vector.deserialized.enumerated() {
        guard case .text(let name) = parts[0], case .text(let type) = parts[1] else {
          Issue.record("\(vector.name) is malformed")
          continue
        }
        #expect(key.schema.columns[position].name.utf8.elementsEqual(name.utf8), "\(vector.name)")
        let value = try GoldenVectors.Scalar.keyValue(type, parts[2])
        #expect(key.values[position] == value, "\(vector.name)")
      }
      // NULs at the end of a name are dropped when read, as in Feast.
      if vector.name != "key_trailing_nul" { #expect(key.serialized == bytes, "\(vector.name)") }
    }
  }

  @Test func rebuildsKeysFromTheirTails() throws {
    for vector in try GoldenVectors.load().vectors {
      let values = try vector.entityValues.map { try $0.keyValue }
      let key = try EntityKey(Array(zip(vector.joinKeys, values)))
      let rebuilt = try key.tail.withUnsafeBytes { try key.schema.key(fromTail: $0) }
      #expect(rebuilt == GoldenVectors.bytes(vector.hex), "\(vector.name)")
      #expect(key.schema.stride.map { $0 == key.tail.count } ?? true)
      #expect(key.schema.serializedBytes(ofTail: key.tail.count) == key.serialized.count)
    }
  }

  @Test func refusesWhatFeastRefuses() throws {
    let golden = try GoldenVectors.load()
    #expect(golden.errors.count == 13)
    let values: [String: (Value, DataType)] = [
      "bool_val": (.bool(true), .bool), "float_val": (.float32(1), .float32),
      "double_val": (.float64(1), .float64), "uuid_val": (.string("u"), .uuid),
      "decimal_val": (.string("1"), .decimal), "json_val": (.string("{}"), .json),
      "null_val": (.null, .int64), "unset": (.null, .string),
    ]
    for error in golden.errors {
      if let (value, type) = values[error[0]] {
        #expect(throws: LarderError.self, "\(error[0])") { try KeyValue(value, of: type) }
      } else if error[0] == "duplicate_key" {
        let failure = #expect(throws: LarderError.self) {
          try EntityKey([("a", .int64(1)), ("a", .int64(2))])
        }
        #expect(failure?.code == .invalidArgument)
      } else {
        let bytes = GoldenVectors.bytes(String(error[0].dropFirst("deser ".count)))
        let failure = #expect(throws: LarderError.self, "\(error[0])") {
          try EntityKey.deserialize(bytes)
        }
        #expect(failure?.code == .invalidInput)
      }
    }
  }

  @Test func refusesOlderVersions() throws {
    for vector in try GoldenVectors.load().v2Vectors {
      #expect(throws: LarderError.self, "\(vector.name)") {
        try EntityKey.deserialize(GoldenVectors.bytes(vector.hex))
      }
    }
  }

  @Test func refusesEveryPrefixAndExtension() throws {
    for vector in try GoldenVectors.load().vectors where vector.hex.count < 400 {
      let bytes = GoldenVectors.bytes(vector.hex)
      for length in 0..<bytes.count {
        #expect(throws: LarderError.self) { try EntityKey.deserialize(Array(bytes[..<length])) }
      }
      #expect(throws: LarderError.self) { try EntityKey.deserialize(bytes + [0]) }
    }
  }

  @Test func survivesHostileBytes() throws {
    var random = SeededRandom(seed: 0x0EE7)
    let vectors = try GoldenVectors.load().vectors.map { GoldenVectors.bytes($0.hex) }
    var accepted = 0
    for _ in 0..<20_000 {
      var bytes = vectors[random.int(0...vectors.count - 1)]
      guard !bytes.isEmpty, bytes.count < 200 else { continue }
      for _ in 0..<random.int(1...3) {
        bytes[random.int(0...bytes.count - 1)] = UInt8.random(in: 0...255, using: &random)
      }
      // Whatever is accepted is a key, and so comes back, but for NULs at the end of names.
      guard let key = try? EntityKey.deserialize(bytes) else { continue }
      accepted += 1
      #expect(try EntityKey.deserialize(key.serialized) == key)
    }
    #expect(accepted > 100)
  }

  @Test func keepsKeysOfDifferentTypesAndSpellingsApart() throws {
    let composed = try KeySchema([KeyColumn("\u{E9}", .int64)])
    let decomposed = try KeySchema([KeyColumn("e\u{301}", .int64)])
    #expect(composed != decomposed)
    #expect(Set([composed, decomposed]).count == 2)
    #expect(KeyValue.string("\u{E9}") != KeyValue.string("e\u{301}"))
    #expect(KeyValue.int32(1001) != KeyValue.int64(1001))
    let a = try KeySchema([KeyColumn("a", .int64), KeyColumn("b", .string)])
    let b = try KeySchema([KeyColumn("b", .string), KeyColumn("a", .int64)])
    #expect(a == b)
  }

  @Test func holdsTheLimits() throws {
    // 16 bytes of prefix with an empty name, 8 of type and length.
    let room = Limits.keyBytes - 12 - 8
    for (length, isFine) in [(room - 1, true), (room, true), (room + 1, false)] {
      let value = KeyValue.bytes([UInt8](repeating: 1, count: length))
      if isFine {
        let key = try EntityKey([("", value)])
        #expect(try EntityKey.deserialize(key.serialized) == key)
      } else {
        let failure = #expect(throws: LarderError.self) { try EntityKey([("", value)]) }
        #expect(failure?.code == .limitExceeded)
      }
    }
    func columns(_ count: Int) -> [KeyColumn] { (0..<count).map { KeyColumn("k\($0)", .int32) } }
    for count in [Limits.joinKeys - 1, Limits.joinKeys] {
      #expect(try KeySchema(columns(count)).stride == count * 4)
    }
    #expect(throws: LarderError.self) { try KeySchema(columns(Limits.joinKeys + 1)) }
    let name = String(repeating: "n", count: Limits.nameBytes)
    #expect(try KeySchema([KeyColumn(name, .int32)]).columns.count == 1)
    #expect(throws: LarderError.self) { try KeySchema([KeyColumn(name + "n", .int32)]) }
  }
}
