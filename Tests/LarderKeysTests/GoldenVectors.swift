import Foundation
import LarderColumns
import LarderKeys

/// What Feast itself wrote: `fixtures/entity_key_v3.json`.
struct GoldenVectors: Decodable {
  struct Vector: Decodable {
    var name: String
    var joinKeys: [String]
    var entityValues: [Scalar]
    var hex: String
    var prefixHex: String
    var deserialized: [[Scalar.Part]]
  }
  struct OldVector: Decodable {
    var name: String
    var hex: String
  }
  /// A value as the file names it.
  struct Scalar: Decodable {
    enum Part: Decodable {
      case text(String)
      case number(Int64)
      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int64.self) {
          self = .number(number)
        } else {
          self = .text(try container.decode(String.self))
        }
      }
    }
    var type: String
    var value: Part

    /// The same value for `EntityKey`.
    var keyValue: KeyValue { get throws { try Self.keyValue(type, value) } }

    static func keyValue(_ type: String, _ value: Part) throws -> KeyValue {
      switch (type, value) {
      case ("int64_val", .number(let x)): return .int64(x)
      case ("int32_val", .number(let x)): return .int32(Int32(x))
      case ("unix_timestamp_val", .number(let x)): return .timestamp(seconds: x)
      case ("string_val", .text(let x)): return .string(x)
      case ("bytes_val", .text(let x)): return .bytes(GoldenVectors.bytes(x))
      default: throw LarderError(.invalidArgument, "no such value: \(type)")
      }
    }
  }
  var vectors: [Vector]
  var v2Vectors: [OldVector]
  var errors: [[String]]

  static func load() throws -> GoldenVectors {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "fixtures/entity_key_v3.json")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(GoldenVectors.self, from: Data(contentsOf: file))
  }

  static func bytes(_ hex: String) -> [UInt8] {
    let digits = Array(hex.utf8)
    return stride(from: 0, to: digits.count, by: 2).map { at in
      UInt8(String(decoding: digits[at..<at + 2], as: UTF8.self), radix: 16) ?? 0
    }
  }
}
