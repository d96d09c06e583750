import LarderColumns
import LarderContract

/// Decides which rows of an append go to segments of their own by time.
///
/// A partition's piece with enough rows is a group of its own; each maximal sequence of neighbouring
/// smaller pieces is one. Groups are apart in time, so their segments are disjoint boxes.
struct PartitionSplit: Sendable {
  /// A group of rows: a half-open range of ordinals of partitions, and the partition if it is one.
  struct Group: Sendable, Hashable {
    var partition: Range<Int64>?
    var rows: Int
  }

  /// The groups in order of time; empty if there are no rows.
  let groups: [Group]
  /// The unit and origin by which a time finds its group.
  private let slots: PartitionSlots?
  /// The group of each slot.
  private let groupOfSlot: [UInt16]

  /// Counts rows by partition and forms groups.
  ///
  /// - Parameters:
  ///   - events: Int64 ticks, in pieces.
  ///   - width: how wide partitions are; `auto` takes the narrowest with a million rows each, and
  ///     does not split what fits one segment.
  ///   - pieceRows: a piece of so many rows is a group of its own.
  ///   - segmentRows: rows of a segment at most.
  init(
    _ events: [(values: Buffer, count: Int)], unit: TimeUnit, width: PartitionWidth,
    pieceRows: Int, segmentRows: Int
  ) {
    var low = Int64.max
    var high = Int64.min
    var rows = 0
    for piece in events where piece.count > 0 {
      let (least, greatest) = Self.bounds(piece.values, piece.count)
      low = min(low, least)
      high = max(high, greatest)
      rows += piece.count
    }
    let chosen = Self.width(width, low, high, rows: rows, unit: unit, segmentRows: segmentRows)
    guard rows > 0, let chosen, let slots = PartitionSlots(low, high, unit: unit, width: chosen)
    else {
      groups = rows > 0 ? [Group(partition: nil, rows: rows)] : []
      slots = nil
      groupOfSlot = []
      return
    }
    var counts = [Int](repeating: 0, count: slots.partitions.count)
    for piece in events {
      slots.count(piece.values, piece.count, into: &counts)
    }
    var groups: [Group] = []
    var groupOfPartition = [UInt16](repeating: 0, count: counts.count)
    var lastWasSmall = false
    for (ordinal, count) in counts.enumerated() where count > 0 {
      let isSmall = count < pieceRows
      if isSmall && lastWasSmall || groups.count >= Int(UInt16.max) {
        groups[groups.count - 1].rows += count
        groups[groups.count - 1].partition = nil
      } else {
        groups.append(Group(partition: slots.partitions[ordinal], rows: count))
      }
      lastWasSmall = isSmall
      groupOfPartition[ordinal] = UInt16(groups.count - 1)
    }
    self.groups = groups
    self.slots = slots
    groupOfSlot = slots.partitionOfSlot.map { groupOfPartition[Int($0)] }
  }

  /// The rows of each group, in the order they came; nil for a single group that has all.
  ///
  /// - Returns: UInt32 row numbers per group.
  func rows(
    _ events: Buffer, count: Int, in scratch: ScratchMemory
  ) -> [(rows: Buffer, count: Int)]? {
    guard groups.count > 1, let slots else { return nil }
    let times = unsafe events.values(as: Int64.self)
    var counts = [Int](repeating: 0, count: groups.count)
    for row in 0..<count { unsafe counts[Int(groupOfSlot[slots.slot(times[row])])] += 1 }
    let lists = counts.map { scratch.take($0 * 4) }
    let targets = unsafe lists.map { unsafe $0.mutableValues(as: UInt32.self) }
    var next = [Int](repeating: 0, count: groups.count)
    for row in 0..<count {
      let group = unsafe Int(groupOfSlot[slots.slot(times[row])])
      unsafe targets[group][next[group]] = UInt32(truncatingIfNeeded: row)
      next[group] += 1
    }
    return zip(lists, counts).map { ($0, $1) }
  }

  /// The group of a time that was counted.
  func group(of time: Int64) -> Int {
    guard let slots else { return 0 }
    return Int(groupOfSlot[slots.slot(time)])
  }

  private static func bounds(_ values: Buffer, _ count: Int) -> (Int64, Int64) {
    let times = unsafe values.values(as: Int64.self)
    var low = Int64.max
    var high = Int64.min
    for row in 0..<count {
      let time = unsafe times[row]
      low = min(low, time)
      high = max(high, time)
    }
    return (low, high)
  }

  /// The width to split by; nil for none.
  private static func width(
    _ width: PartitionWidth, _ low: Int64, _ high: Int64, rows: Int, unit: TimeUnit,
    segmentRows: Int
  ) -> PartitionWidth? {
    guard width == .auto else { return width }
    guard rows > segmentRows else { return nil }
    for candidate in [PartitionWidth.hour, .day, .month] {
      guard let slots = PartitionSlots(low, high, unit: unit, width: candidate) else { continue }
      if rows / slots.partitions.count >= 1 << 20 { return candidate }
    }
    return .year
  }
}
