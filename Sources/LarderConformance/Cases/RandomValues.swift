import LarderColumns
import LarderContract

/// One to five features of any types.
func randomFields(
  of view: String, hasLists: Bool = true, _ random: inout CaseRandom
) -> [Field] {
  let scalars: [DataType] = [
    .bool, .int32, .int64, .int64, .float32, .float64, .float64, .string, .string, .bytes, .date,
    .timestamp(.microseconds), .timestamp(.nanoseconds), .json, .uuid, .decimal,
    .opaque(tag: "blob"),
  ]
  return (0..<random.int(1...5)).map { index in
    let type = random.pick(scalars)
    let isList = random.oneIn(7) && hasLists && type != .opaque(tag: "blob")
    return Field("\(view)_f\(index)", isList ? .list(type) : type)
  }
}

/// No limit, zero (which is none), a few ticks, much of the span, or longer than time itself.
func randomTimeToLive(
  _ unit: TimeUnit, span: Int, _ random: inout CaseRandom
) -> Duration? {
  let tick = unit.nanosecondsPerTick
  switch random.int(1...8) {
  case 1: return nil
  case 2: return .zero
  case 3: return .seconds(Int64.max)
  case 4: return .nanoseconds(tick * Int64(random.int(1...3)) + Int64(random.int(0...999)))
  default:
    let ticks = Int128(random.int(1...max(1, span)))
    let nanoseconds = ticks * Int128(tick)
    let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    return .seconds(Int64(seconds)) + .nanoseconds(Int64(rest))
  }
}

/// A key of a type; different indexes mostly give different keys.
func randomKey(
  _ type: JoinKeyType, _ index: Int, few: Bool, _ random: inout CaseRandom
) -> Value {
  let isEdge = few && random.oneIn(6)
  switch type {
  case .string:
    return .string(isEdge ? random.pick(["", "\0", "käse", "日本"]) : "key-\(index)")
  case .bytes:
    return .bytes(isEdge ? random.pick([[], [0], [255, 0]]) : Array("b\(index)".utf8))
  case .int32:
    return .int64(isEdge ? random.pick([Int64(Int32.min), Int64(Int32.max), 0]) : Int64(index))
  case .int64:
    return .int64(isEdge ? random.pick([.min, .max, 0, -1]) : Int64(index) * 1_000_003)
  case .timestamp:
    return .int64(isEdge ? random.pick([-1, 0, 253_402_300_799]) : Int64(index) * 3_600)
  }
}

/// A value of a feature's type, now and then an extreme one.
func randomValue(_ type: DataType, _ random: inout CaseRandom) -> Value {
  let isEdge = random.oneIn(10)
  switch type {
  case .bool: return .bool(random.oneIn(2))
  case .int32:
    return .int32(isEdge ? random.pick([.min, .max]) : Int32(random.int(-50...50)))
  case .date:
    return .date(isEdge ? random.pick([.min, .max]) : Int32(random.int(10_000...20_000)))
  case .int64:
    return .int64(isEdge ? random.pick([.min, .max, 1 << 62 + 1]) : Int64(random.int(0...1_000)))
  case .timestamp(let unit):
    return .timestamp(
      Timestamp(
        ticks: isEdge ? random.pick([.min, .max]) : Int64(random.int(0...1_000_000)), unit: unit))
  case .float32:
    return .float32(
      isEdge
        ? Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
        : Float(random.int(-99...99)) / 4)
  case .float64:
    return .float64(
      isEdge ? Double(bitPattern: random.next()) : Double(random.int(-9_999...9_999)) / 100)
  case .string:
    return .string(isEdge ? random.pick(["", "käse", "a\"b,\n"]) : "cat_\(random.int(0...12))")
  case .json: return .string("{\"n\": \(random.int(0...99))}")
  case .uuid: return .string("00000000-0000-4000-8000-\(100_000_000_000 + random.int(0...999))")
  case .decimal: return .string("\(random.int(-999...999)).\(random.int(10...99))")
  case .bytes, .opaque:
    return .bytes((0..<random.int(0...9)).map { _ in UInt8(truncatingIfNeeded: random.next()) })
  case .list(let element):
    return .list(
      (0..<random.int(0...4)).map { _ in
        random.oneIn(8) ? .null : randomValue(element, &random)
      })
  }
}
