/// Builds FlatBuffers' binary form: what is referred to first, what refers to it after.
///
/// The bytes are held in reverse, so that each object is put before the ones it refers to; places
/// count from the end, which is why they stay right.
struct FlatBuilder {
  /// A place of an object that others may refer to.
  struct Place {
    fileprivate var fromEnd: Int
  }

  private var reversed: [UInt8] = []

  /// Pads so that what ends after so many more bytes is aligned.
  private mutating func align(_ alignment: Int, after bytes: Int = 0) {
    while (reversed.count + bytes) % alignment != 0 { reversed.append(0) }
  }

  private mutating func push<T: FixedWidthInteger>(_ value: T) {
    for byte in stride(from: T.bitWidth - 8, through: 0, by: -8) {
      reversed.append(UInt8(truncatingIfNeeded: value >> T(byte)))
    }
  }

  private mutating func pushReference(_ place: Place) {
    align(4)
    push(UInt32(reversed.count + 4 - place.fromEnd))
  }

  /// Adds text.
  mutating func text(_ text: String) -> Place {
    let bytes = Array(text.utf8)
    align(4, after: bytes.count + 1)
    reversed.append(0)
    reversed.append(contentsOf: bytes.reversed())
    push(UInt32(bytes.count))
    return Place(fromEnd: reversed.count)
  }

  /// Adds a vector of objects.
  mutating func vector(_ places: [Place]) -> Place {
    align(4)
    for place in places.reversed() { pushReference(place) }
    push(UInt32(places.count))
    return Place(fromEnd: reversed.count)
  }

  /// Adds a vector of structs of so many 64-bit words each.
  mutating func words(_ words: [Int64], perStruct: Int) -> Place {
    align(8, after: words.count * 8)
    for word in words.reversed() { push(word) }
    push(UInt32(words.count / perStruct))
    return Place(fromEnd: reversed.count)
  }

  /// A field of a table.
  enum Field {
    case bool(Bool)
    case byte(UInt8)
    case int16(Int16)
    case int32(Int32)
    case int64(Int64)
    case object(Place)
  }

  /// Adds a table of the fields with these numbers.
  mutating func table(_ fields: [(Int, Field)]) -> Place {
    var ends: [Int: Int] = [:]
    for (number, field) in fields {
      switch field {
      case .bool(let value): push(UInt8(value ? 1 : 0))
      case .byte(let value): push(value)
      case .int16(let value):
        align(2)
        push(value)
      case .int32(let value):
        align(4)
        push(value)
      case .int64(let value):
        align(8)
        push(value)
      case .object(let place): pushReference(place)
      }
      ends[number] = reversed.count
    }
    let start = reversed.count
    align(4)
    push(Int32(0))
    let table = reversed.count
    let slots = (ends.keys.max() ?? -1) + 1
    for slot in (0..<slots).reversed() {
      push(UInt16(truncatingIfNeeded: ends[slot].map { table - $0 } ?? 0))
    }
    push(UInt16(truncatingIfNeeded: table - start + fieldBytes(ends, start)))
    push(UInt16(truncatingIfNeeded: 4 + slots * 2))
    let distance = UInt32(reversed.count - table)
    for byte in 0..<4 {
      reversed[table - 1 - byte] = UInt8(truncatingIfNeeded: distance >> UInt32(byte * 8))
    }
    return Place(fromEnd: table)
  }

  /// The bytes that a table's fields take behind its first four.
  private func fieldBytes(_ ends: [Int: Int], _ start: Int) -> Int {
    guard let first = ends.values.min() else { return 0 }
    // The first field has at most 8 bytes, which lie before the place where it ends.
    return start - first + 8
  }

  /// The finished bytes, a multiple of 8, with a table as root.
  consuming func finish(_ root: Place) -> [UInt8] {
    align(8, after: 4)
    pushReference(root)
    return reversed.reversed()
  }
}
