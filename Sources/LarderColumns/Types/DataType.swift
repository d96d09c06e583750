/// The type of a column's values.
///
/// `json`, `uuid` and `decimal` are carried as tagged text: their bytes are kept as they came.
/// `opaque` is bytes with a tag for everything else. Lists hold scalars, not lists.
public indirect enum DataType: Hashable, Sendable {
  /// True or false, one bit each.
  case bool
  /// 32-bit signed integers.
  case int32
  /// 64-bit signed integers.
  case int64
  /// IEEE 754 binary32; every bit pattern survives.
  case float32
  /// IEEE 754 binary64; every bit pattern survives.
  case float64
  /// UTF-8 text.
  case string
  /// Bytes.
  case bytes
  /// An instant in UTC, as ticks of the unit since 1970-01-01T00:00:00Z.
  case timestamp(TimeUnit)
  /// Days since 1970-01-01.
  case date
  /// JSON text, kept byte for byte.
  case json
  /// A UUID as text.
  case uuid
  /// A decimal number as text.
  case decimal
  /// Bytes of a kind that Larder does not look into, named by a tag.
  case opaque(tag: String)
  /// Lists of a scalar type.
  case list(DataType)
}

/// How the values of a type lie in memory, which is Arrow's layout.
public enum PhysicalLayout: Sendable, Hashable {
  /// One bit per value, least significant first.
  case bits
  /// Values of a fixed number of bytes: 4 or 8.
  case fixed(bytes: Int)
  /// Int32 offsets, one more than there are values, into bytes.
  case variable
  /// Int32 offsets, one more than there are values, into a child column.
  case list
}

extension DataType {
  /// The layout of this type's values.
  public var layout: PhysicalLayout {
    switch self {
    case .bool: .bits
    case .int32, .float32, .date: .fixed(bytes: 4)
    case .int64, .float64, .timestamp: .fixed(bytes: 8)
    case .string, .bytes, .json, .uuid, .decimal, .opaque: .variable
    case .list: .list
    }
  }

  /// Whether the values are UTF-8 text.
  public var isText: Bool {
    switch self {
    case .string, .json, .uuid, .decimal: true
    default: false
    }
  }

  /// The type of a list's elements; nil for scalars.
  public var element: DataType? {
    if case .list(let element) = self { element } else { nil }
  }
}

extension DataType: CustomStringConvertible {
  /// The name used in definitions: `int64`, `timestamp`, `timestamp(ns)`, `list<string>`.
  ///
  /// Microseconds are the unit meant when none is named.
  public var description: String {
    switch self {
    case .bool: "bool"
    case .int32: "int32"
    case .int64: "int64"
    case .float32: "float32"
    case .float64: "float64"
    case .string: "string"
    case .bytes: "bytes"
    case .timestamp(.microseconds): "timestamp"
    case .timestamp(let unit): "timestamp(\(unit))"
    case .date: "date"
    case .json: "json"
    case .uuid: "uuid"
    case .decimal: "decimal"
    case .opaque(let tag): "opaque(\(tag))"
    case .list(let element): "list<\(element)>"
    }
  }

  /// Reads a type's name as `description` writes it.
  ///
  /// - Parameter name: such as `int64` or `list<float32>`.
  /// - Throws: `invalidArgument` for an unknown name or a list of lists; `limitExceeded` for types
  ///   that nest more than `Limits.typeDepth` deep.
  public init(named name: String) throws(LarderError) {
    var inner = name.utf8[...]
    var depth = 0
    while inner.starts(with: "list<".utf8), inner.last == UInt8(ascii: ">"), inner.count > 5 {
      inner = inner.dropFirst(5).dropLast()
      depth += 1
      guard depth <= Limits.typeDepth else {
        throw LarderError(
          .limitExceeded, "Types nest at most \(Limits.typeDepth) deep; this one nests deeper.")
      }
    }
    let scalar = try DataType(scalar: String(decoding: inner, as: UTF8.self))
    guard depth <= 1 else {
      throw LarderError(.invalidArgument, "\"\(name)\" is a list of lists; lists hold scalars.")
    }
    self = depth == 1 ? .list(scalar) : scalar
  }

  /// Reads the name of a type that is no list.
  private init(scalar name: String) throws(LarderError) {
    if name.hasPrefix("opaque("), name.hasSuffix(")") {
      self = .opaque(tag: String(name.dropFirst(7).dropLast()))
      return
    }
    if name.hasPrefix("timestamp("), name.hasSuffix(")") {
      self = .timestamp(try TimeUnit(named: String(name.dropFirst(10).dropLast())))
      return
    }
    let plain: [DataType] = [
      .bool, .int32, .int64, .float32, .float64, .string, .bytes, .timestamp(.microseconds), .date,
      .json, .uuid, .decimal,
    ]
    guard let type = plain.first(where: { $0.description == name }) else {
      let names = plain.map(\.description) + ["list<int64>"]
      throw LarderError(
        .invalidArgument,
        "Unknown type \"\(name.prefix(Limits.nameBytes))\". \(suggestion(for: name, among: names))")
    }
    self = type
  }
}
