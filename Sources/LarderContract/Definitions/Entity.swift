import LarderColumns

/// The type of a join key's values.
///
/// Each key name has one type in the whole store.
public enum JoinKeyType: String, Sendable, Hashable, CaseIterable {
  /// UTF-8 text.
  case string
  /// 32-bit signed integers.
  case int32
  /// 64-bit signed integers.
  case int64
  /// Bytes.
  case bytes
  /// Instants in whole seconds.
  case timestamp

  /// The column type of such keys in what the engine hands out.
  public var dataType: DataType {
    switch self {
    case .string: .string
    case .int32: .int32
    case .int64: .int64
    case .bytes: .bytes
    case .timestamp: .timestamp(.seconds)
    }
  }
}

/// A named, typed column by which rows are found.
public struct JoinKey: Sendable, Hashable {
  /// The column's name.
  public var name: String
  /// The type of its values.
  public var type: JoinKeyType

  /// Makes a join key.
  public init(_ name: String, _ type: JoinKeyType) {
    self.name = name
    self.type = type
  }

  /// A text key.
  public static func string(_ name: String) -> JoinKey { JoinKey(name, .string) }
  /// A 32-bit integer key.
  public static func int32(_ name: String) -> JoinKey { JoinKey(name, .int32) }
  /// A 64-bit integer key.
  public static func int64(_ name: String) -> JoinKey { JoinKey(name, .int64) }
  /// A bytes key.
  public static func bytes(_ name: String) -> JoinKey { JoinKey(name, .bytes) }
  /// A key of instants in whole seconds.
  public static func timestamp(_ name: String) -> JoinKey { JoinKey(name, .timestamp) }

  /// The key of views without entities, as Feast has it: its only value is the empty string.
  public static let dummy = JoinKey("__dummy_id", .string)
}

/// A kind of thing that features describe, found by one or more join keys.
public struct Entity: Sendable, Hashable {
  /// The entity's name.
  public var name: String
  /// The columns that identify one, in any order.
  public var joinKeys: [JoinKey]
  /// A sentence for people.
  public var description: String
  /// Free words for people and tools.
  public var tags: [String: String]

  /// Makes an entity.
  ///
  /// ```swift
  /// let driver = Entity("driver", joinKeys: [.int64("driver_id")])
  /// ```
  public init(
    _ name: String, joinKeys: [JoinKey], description: String = "", tags: [String: String] = [:]
  ) {
    self.name = name
    self.joinKeys = joinKeys
    self.description = description
    self.tags = tags
  }
}
