import LarderColumns
import TestSupport

/// Values of every type in several shapes, so that each encoding is met.
enum SegmentColumns {
  static let all: [DataType] = [
    .bool, .int32, .int64, .float32, .float64, .string, .bytes, .timestamp(.microseconds),
    .timestamp(.nanoseconds), .date, .json, .uuid, .decimal, .opaque(tag: "sketch"),
    .list(.float32), .list(.int64), .list(.string), .list(.bool),
  ]

  static func shapes(_ type: DataType) -> Int {
    switch type {
    case .bool: 3
    case .int32, .date: 5
    case .int64, .timestamp: 8
    case .float32, .float64: 8
    default: 4
    }
  }

  static func values(
    _ type: DataType, shape: Int, count: Int, nulls: Double, random: inout SeededRandom
  ) -> [Value] {
    var step: Int64 = 0
    return (0..<count).map { row in
      step += Int64(random.int(0...9))
      if random.chance(nulls) { return .null }
      return value(type, shape, row, step, &random)
    }
  }

  private static func value(
    _ type: DataType, _ shape: Int, _ row: Int, _ step: Int64, _ random: inout SeededRandom
  ) -> Value {
    switch type {
    case .bool: return .bool(shape == 0 ? random.chance(0.1) : shape == 1)
    case .int32: return .int32(Int32(truncatingIfNeeded: integer(shape, row, step, &random)))
    case .date: return .date(Int32(truncatingIfNeeded: integer(shape, row, step, &random)))
    case .int64: return .int64(integer(shape, row, step, &random))
    case .timestamp(let unit):
      return .timestamp(Timestamp(ticks: integer(shape, row, step, &random), unit: unit))
    case .float64: return .float64(double(shape, row, step, &random))
    case .float32: return .float32(float(shape, row, step, &random))
    case .list(let element):
      let length = shape == 1 ? 4 : random.int(0...3)
      return .list(
        (0..<length).map { index in
          random.chance(0.1) && shape != 2
            ? .null : value(element, shape, row + index, step, &random)
        })
    case .bytes, .opaque: return .bytes(Array(text(shape, row, &random).utf8))
    default: return .string(text(shape, row, &random))
    }
  }

  private static func integer(
    _ shape: Int, _ row: Int, _ step: Int64, _ random: inout SeededRandom
  ) -> Int64 {
    switch shape {
    case 0: return Int64(random.int(-20...20))
    case 1: return Int64(bitPattern: random.next())
    case 2: return step
    case 3: return 42
    case 4: return Int64(row / 100)
    case 5: return 1_600_000_000_000_000 + Int64(random.int(0...100_000)) * 86_400_000_000
    case 6: return random.chance(0.02) ? Int64(bitPattern: random.next()) : Int64(random.int(0...9))
    default: return [Int64.min, .max, 0, -1, 1][random.int(0...4)]
    }
  }

  private static func double(
    _ shape: Int, _ row: Int, _ step: Int64, _ random: inout SeededRandom
  ) -> Double {
    switch shape {
    case 0: return Double(random.int(0...100_000)) / 100
    case 1: return Double(bitPattern: random.next())
    case 2: return Double(step)
    case 3:
      return [0.0, -0.0, .nan, .infinity, -.infinity, .leastNonzeroMagnitude, 0.1][
        random.int(0...6)]
    case 4: return random.chance(0.05) ? Double(bitPattern: random.next()) : Double(step) / 1_000
    case 5: return Double(Float(random.int(0...1 << 30)) / 7)
    case 6: return Double(random.int(0...40)) / Double(random.int(1...20))
    default: return Double(bitPattern: 0x7FF0_0000_0000_0001 &+ UInt64(random.int(0...3)))
    }
  }

  private static func float(
    _ shape: Int, _ row: Int, _ step: Int64, _ random: inout SeededRandom
  ) -> Float {
    switch shape {
    case 0: return Float(random.int(0...10_000)) / 100
    case 1: return Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
    case 2: return Float(step)
    case 3:
      return [0.0, -0.0, .nan, .infinity, -.infinity, .leastNonzeroMagnitude, 0.1][
        random.int(0...6)]
    case 4: return random.chance(0.05) ? .nan : Float(step) / 8
    case 5: return Float(random.int(0...1 << 30)) / 7
    case 6: return Float(random.int(0...40)) / Float(random.int(1...20))
    default: return Float(bitPattern: 0x7F80_0001 &+ UInt32(random.int(0...3)))
    }
  }

  private static func text(_ shape: Int, _ row: Int, _ random: inout SeededRandom) -> String {
    switch shape {
    case 0: return ["electronics", "grocery", "", "toys", "büro"][random.int(0...4)]
    case 1: return "https://shop.example/item/\(random.int(0...2_000_000))?ref=\(row)"
    case 2: return "same"
    default: return String(repeating: "x", count: random.int(0...40))
    }
  }
}
