extension Value: Codable {
  /// Reads a value as JSON has it: true and false, whole numbers as int64, others as float64, text,
  /// lists.
  ///
  /// Instants, days and bytes come back as the text that they were written as.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
      return
    }
    // Of what kind a value is, a decoder says by what it refuses.
    do {
      self = .bool(try container.decode(Bool.self))
      return
    } catch {}
    do {
      self = .int64(try container.decode(Int64.self))
      return
    } catch {}
    do {
      self = .float64(try container.decode(Double.self))
      return
    } catch {}
    do {
      self = .string(try container.decode(String.self))
      return
    } catch {}
    self = .list(try container.decode([Value].self))
  }

  /// Writes the value as JSON has it: instants and days in ISO 8601, bytes in base 64.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let x): try container.encode(x)
    case .int32(let x): try container.encode(x)
    case .int64(let x): try container.encode(x)
    case .float32(let x): try container.encode(x)
    case .float64(let x): try container.encode(x)
    case .string(let x): try container.encode(x)
    case .bytes(let x):
      var text: [UInt8] = []
      Base64.encode(x.span, into: &text)
      try container.encode(String(decoding: text, as: UTF8.self))
    case .timestamp(let x): try container.encode(x)
    case .date: try container.encode(description)
    case .list(let values): try container.encode(values)
    }
  }
}
