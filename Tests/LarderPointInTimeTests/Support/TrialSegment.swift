import LarderColumns
import LarderFiles
import LarderOffline
import TestSupport

/// A segment of random runs and columns in all encodings, and what was written into it.
struct TrialSegment {
  /// The features' types; their field ids count from 1.
  static let types: [DataType] = [
    .bool, .int64, .int32, .float64, .float32, .string, .date, .timestamp(.microseconds), .bytes,
    .list(.int32), .list(.float64), .list(.bool), .list(.string), .list(.bytes),
  ]

  let segment: Segment
  let rows: Int
  let columns: [Column]
  /// The first row of each run, and the one after its last.
  let runs: [(Int, Int)]

  init(_ random: inout SeededRandom) throws {
    var ids: [UInt32] = []
    var events: [Int64] = []
    var runs: [(Int, Int)] = []
    let rounding: Int64 = [1, 1, 1_000_000, 60_000_000][random.int(0...3)]
    while ids.count < 3_000 {
      let length = random.int(1...[3, 30, 300, 9_000][random.int(0...3)])
      runs.append((ids.count, ids.count + length))
      ids += [UInt32](repeating: UInt32(runs.count * 3), count: length)
      events += TrialSegment.times(length, rounding, &random)
    }
    rows = ids.count
    self.runs = runs
    columns = try TrialSegment.types.map { [rows] type in
      try TrialSegment.column(type, rows, &random)
    }
    let files = SimulatedFileSystem(seed: 1)
    try files.makeDirectory("/trial")
    var writer = try SegmentWriter(
      try files.open("/trial/segment", .create),
      SegmentIdentity(
        uuid: FileIdentifier(high: random.next(), low: random.next()), viewID: 1,
        unit: .microseconds, commits: 1...1, partition: nil),
      ids: Buffer(copying: ids), events: Buffer(copying: events), count: rows)
    for (index, column) in columns.enumerated() {
      try writer.append(fieldID: UInt32(index + 1), column)
    }
    segment = try Segment(
      path: "/trial/segment", files: files, expected: try writer.finish())
    try segment.eventColumn().ensureVerified()
  }

  /// Ascending times: spread evenly, in bursts, all equal, or over all there is.
  private static func times(
    _ count: Int, _ rounding: Int64, _ random: inout SeededRandom
  ) -> [Int64] {
    let day: Int64 = 86_400_000_000
    let start = 1_700_000_000_000_000 / rounding * rounding
    let times: [Int64]
    switch random.int(0...5) {
    case 0: times = [Int64](repeating: start, count: count)
    case 1:
      times = (0..<count).map { _ in
        let burst = Int64(random.int(0...3)) * 20 * day
        return start + burst + Int64(random.int(0...1_000)) * rounding
      }
    case 2: times = (0..<count).map { _ in random.chance(0.5) ? Int64.min : .max }
    default:
      times = (0..<count).map { _ in
        start + Int64(random.next() % UInt64(90 * day)) / rounding * rounding
      }
    }
    return times.sorted()
  }

  static func column(
    _ type: DataType, _ rows: Int, _ random: inout SeededRandom
  ) throws -> Column {
    let nulls = [0, 0, 0.05, 0.9, 1][random.int(0...4)]
    let kind = random.int(0...4)
    var last: Int64 = 0
    let values = (0..<rows).map { row -> Value in
      if random.chance(nulls) { return .null }
      switch kind {
      case 0: last = Int64(random.int(0...20))
      case 1: last = Int64(bitPattern: random.next())
      case 2: last &+= Int64(random.int(0...9)) * 7
      case 3: if random.chance(0.01) { last = Int64(random.int(0...1_000)) }
      default:
        last = random.chance(0.01) ? Int64(bitPattern: random.next()) : Int64(random.int(0...100))
      }
      return value(type, last, kind)
    }
    return try .of(type, values)
  }

  private static func value(_ type: DataType, _ lane: Int64, _ kind: Int) -> Value {
    switch type {
    case .bool: .bool(lane & 1 == 1)
    case .int32: .int32(Int32(truncatingIfNeeded: lane))
    case .float64:
      .float64(kind == 1 ? Double(bitPattern: UInt64(bitPattern: lane) >> 2) : Double(lane) / 100)
    case .float32: .float32(Float(lane) / 10)
    case .string: .string("text \(lane % 5_000)")
    case .date: .date(Int32(truncatingIfNeeded: lane))
    // Mostly distinct, and of many lengths.
    case .bytes: .bytes((0..<lane.magnitude % 23).map { UInt8(truncatingIfNeeded: lane >> $0) })
    case .list(let element):
      .list(
        (0..<lane.magnitude % (lane.magnitude % 31 == 30 ? 200 : 6)).map { index in
          let isNull = kind > 2 && (lane &+ Int64(index)) % 7 == 0
          return isNull ? .null : value(element, lane &* 31 &+ Int64(index), kind)
        })
    case .timestamp(let unit): .timestamp(Timestamp(ticks: lane, unit: unit))
    default: .int64(lane)
    }
  }
}
