import LarderColumns
import LarderContract

/// The partitions between two times, found by a division and a table.
///
/// A slot is an hour for partitions of an hour and a day for wider ones, all of which start at
/// midnight UTC.
struct PartitionSlots: Sendable {
  /// The half-open ranges of the partitions in ticks, in order of time; clamped to Int64.
  let partitions: [Range<Int64>]
  /// The ordinal of each slot's partition.
  let partitionOfSlot: [UInt32]
  private let ticksPerSlot: Int64
  private let firstSlot: Int64

  /// More slots than this are not worth a table; then rows are not split by time.
  private static let most: Int64 = 1 << 20

  /// Lays out the partitions that times in `low ... high` lie in; nil if they are too many.
  init?(_ low: Int64, _ high: Int64, unit: TimeUnit, width: PartitionWidth) {
    guard low <= high else { return nil }
    let slotSeconds: Int64 = width == .hour ? 3_600 : 86_400
    let ticks = slotSeconds * unit.ticksPerSecond
    let first = Self.floorDivide(low, ticks)
    let last = Self.floorDivide(high, ticks)
    guard last - first < Self.most else { return nil }
    ticksPerSlot = ticks
    firstSlot = first
    var partitions: [Range<Int64>] = []
    var ordinals: [UInt32] = []
    ordinals.reserveCapacity(Int(last - first) + 1)
    var end = first
    for slot in first...last {
      if partitions.isEmpty || slot >= end {
        let start = Self.start(of: slot, width)
        end = Self.end(of: slot, width)
        partitions.append(Self.clamped(start, ticks)..<max(Self.clamped(end, ticks), low &+ 1))
      }
      ordinals.append(UInt32(partitions.count - 1))
    }
    self.partitions = partitions
    partitionOfSlot = ordinals
  }

  /// The slot of a time between the two.
  @inline(__always) func slot(_ time: Int64) -> Int {
    Int(truncatingIfNeeded: Self.floorDivide(time, ticksPerSlot) &- firstSlot)
  }

  /// Adds the number of rows of each partition.
  func count(_ values: Buffer, _ count: Int, into counts: inout [Int]) {
    let times = unsafe values.values(as: Int64.self)
    var perSlot = [Int](repeating: 0, count: partitionOfSlot.count)
    unsafe perSlot.withUnsafeMutableBufferPointer { perSlot in
      for row in 0..<count { unsafe perSlot[slot(times[row])] += 1 }
    }
    for (slot, rows) in perSlot.enumerated() { counts[Int(partitionOfSlot[slot])] += rows }
  }

  @inline(__always) static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    let quotient = value / divisor
    return quotient &* divisor > value ? quotient &- 1 : quotient
  }

  static func clamped(_ slot: Int64, _ ticks: Int64) -> Int64 {
    let (product, overflow) = slot.multipliedReportingOverflow(by: ticks)
    return overflow ? (slot < 0 ? .min : .max) : product
  }

  static func start(of slot: Int64, _ width: PartitionWidth) -> Int64 {
    switch width {
    case .hour, .day, .auto: return slot
    case .month:
      let date = CivilDate(days: slot)
      return CivilDate(year: date.year, month: date.month, day: 1).days
    case .year: return CivilDate(year: CivilDate(days: slot).year, month: 1, day: 1).days
    }
  }

  static func end(of slot: Int64, _ width: PartitionWidth) -> Int64 {
    switch width {
    case .hour, .day, .auto: return slot + 1
    case .month:
      let date = CivilDate(days: slot)
      let wraps = date.month == 12
      return CivilDate(
        year: wraps ? date.year + 1 : date.year, month: wraps ? 1 : date.month + 1, day: 1
      ).days
    case .year: return CivilDate(year: CivilDate(days: slot).year + 1, month: 1, day: 1).days
    }
  }
}
