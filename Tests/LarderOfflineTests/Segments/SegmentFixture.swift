import LarderColumns
import LarderEncodings
import LarderFiles
import LarderOffline
import TestSupport

/// Rows in their final order, and the segment written of them.
struct SegmentFixture {
  var ids: [UInt32]
  var events: [Int64]
  var created: [Int64?]?
  var features: [(fieldID: UInt32, column: Column)] = []
  var unit = TimeUnit.microseconds

  var count: Int { ids.count }

  /// Sorted rows: runs of ids of random lengths, event times with ties.
  init(rows: Int, meanRun: Int = 20, random: inout SeededRandom) {
    ids = []
    events = []
    var id: UInt32 = UInt32(random.int(0...5))
    var event: Int64 = 0
    var left = 0
    for _ in 0..<rows {
      if left == 0 {
        id += UInt32(random.int(1...3))
        left = random.int(1...(2 * meanRun))
        event = 1_700_000_000_000_000 + Int64(random.int(0...1_000_000_000))
      }
      left -= 1
      if !random.chance(0.1) { event += Int64(random.int(0...500_000_000)) }
      ids.append(id)
      events.append(event)
    }
  }

  /// Adds created times, none first among ties.
  mutating func addCreated(nulls: Double, random: inout SeededRandom) {
    var values: [Int64?] = []
    for row in 0..<count {
      let tied = row > 0 && ids[row] == ids[row - 1] && events[row] == events[row - 1]
      if tied, let before = values[row - 1] {
        values.append(before + Int64(random.int(0...3)))
      } else {
        values.append(
          random.chance(nulls) ? nil : events[row] + Int64(random.int(100_000...5_000_000)))
      }
    }
    created = values
  }

  func write(
    to path: String, identity: SegmentIdentity? = nil, options: SegmentOptions = SegmentOptions(),
    files: any FileSystem = POSIXFileSystem()
  ) throws -> SegmentDescription {
    let file = try files.open(path, .create)
    let identity =
      identity
      ?? SegmentIdentity(
        uuid: FileIdentifier(high: 0x0123_4567_89AB_CDEF, low: 42), viewID: 7, unit: unit,
        commits: 3...9)
    var writer = try SegmentWriter(
      file, identity, ids: Buffer(copying: ids), events: Buffer(copying: events), count: count,
      options: options)
    if let created { try writer.appendCreated(.timestamp(created, unit: unit)) }
    for feature in features { try writer.append(fieldID: feature.fieldID, feature.column) }
    return try writer.finish()
  }
}

/// A buffer's values as an array.
func array<T: BitwiseCopyable>(_ buffer: Buffer, as type: T.Type) -> [T] {
  withExtendedLifetime(buffer) { Array(buffer.values(as: type)) }
}
