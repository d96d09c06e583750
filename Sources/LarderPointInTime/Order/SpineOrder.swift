import LarderColumns
import LarderFiles
import Synchronization

/// The rows of a range of a spine in the order in which history holds their entities: by entity,
/// then roughly by time.
///
/// History lies by entity and time. Answered in its own order, a large spine touches each line of
/// history once, one after the other, instead of from anywhere; and neighbouring answers share
/// their vectors, whose headers are then read once for all of them.
@safe struct SpineOrder: @unchecked Sendable {
  /// For each position, the entity above `shift` bits and the row in the lower half.
  ///
  /// Rows are counted from the range's first; those without an entity stand last.
  private let records: Lanes<UInt64>
  private let shift: UInt64
  private let buffer: Buffer
  /// How many rows have an entity.
  let count: Int

  /// The row, counted from the range's first, at a position.
  @inline(__always) func row(at position: Int) -> Int {
    Int(UInt32(truncatingIfNeeded: records[position]))
  }

  /// Lists the rows and entities of some positions.
  func copy(_ positions: Range<Int>, rows: Lanes<UInt32>, ids: Lanes<UInt32>) {
    for lane in 0..<positions.count {
      let record = records[positions.lowerBound &+ lane]
      rows[lane] = UInt32(truncatingIfNeeded: record)
      ids[lane] = UInt32(truncatingIfNeeded: record &>> shift)
    }
  }

  /// Traps unless the order holds each row with an entity once, by ascending entity.
  func checkInvariants(_ ids: Lanes<UInt32>, _ rows: Int) {
    var seen = Set<Int>()
    var last: UInt32 = 0
    for position in 0..<count {
      let row = row(at: position)
      let id = UInt32(truncatingIfNeeded: records[position] &>> shift)
      precondition(seen.insert(row).inserted, "row \(row) stands in the order twice")
      precondition(ids[row] == id, "row \(row) has another entity")
      precondition(id >= last, "entity \(id) follows \(last)")
      last = id
    }
    precondition(count == (0..<rows).count { ids[$0] != .max }, "rows are missing")
  }

  /// A spine's rows on their way into order; threads note chunks of their own, then all are sorted.
  final class Maker: Sendable {
    private let first: Buffer
    private let second: Buffer
    private let rows: Range<Int>
    private let cells: SpineTimes
    private let entities: UInt32
    /// Bits of an entity in a record's upper half; the others are the time's.
    private let idBits: Int
    private let cellBits: Int
    private let known = Atomic<Int>(0)

    /// Bits of a digit of the radix sort: its counters stay in the nearest cache.
    private static let digitBits = 11
    /// Bits by which to sort at least; what entities leave of them goes to the time.
    private static let leastBits = 22
    /// Rows that may share these bits before all of them are sorted by: history between such rows
    /// would be read in no order.
    private static let rowsOfOneKey = 64
    /// Rows that are looked at to find out.
    private static let sample = 1_024

    /// - Parameters:
    ///   - rows: the spine rows to be ordered, fewer than 2^32.
    ///   - times: the spine's time column.
    ///   - entities: every id is below.
    init(_ rows: Range<Int>, _ times: Column, entities: Int) {
      first = Buffer(uninitializedBytes: rows.count * MemoryLayout<UInt64>.stride)
      second = Buffer(uninitializedBytes: rows.count * MemoryLayout<UInt64>.stride)
      self.rows = rows
      // The number itself stands for rows without an entity.
      self.entities = UInt32(clamping: entities)
      idBits = 32 - self.entities.leadingZeroBitCount
      cellBits = 32 - idBits
      cells = SpineTimes(times, rows, bits: cellBits)
    }

    /// Notes the entities of a chunk.
    ///
    /// - Parameters:
    ///   - part: rows of the spine.
    ///   - ids: the entity of each; `UInt32.max` where there is none.
    func note(_ part: Range<Int>, _ ids: Lanes<UInt32>) {
      let offset = part.lowerBound - rows.lowerBound
      let records = Lanes<UInt64>(first, from: offset)
      var known = 0
      for lane in 0..<part.count {
        let id = min(ids[lane], entities)
        known &+= id < entities ? 1 : 0
        let key =
          UInt64(id) &<< UInt64(cellBits) | cells.cell(of: part.lowerBound &+ lane)
        records[lane] = key &<< 32 | UInt64(UInt32(truncatingIfNeeded: offset &+ lane))
      }
      self.known.add(known, ordering: .relaxed)
    }

    /// Sorts; every row was noted before.
    ///
    /// - Complexity: two or three passes over 8 bytes a row.
    func sorted(threads: Int) -> SpineOrder {
      let coarse = max(Maker.leastBits, idBits)
      let shared = rowsOfCommonEntity() >> (coarse - idBits)
      let bits = shared > Maker.rowsOfOneKey ? 32 : coarse
      let passes = (bits + Maker.digitBits - 1) / Maker.digitBits
      let digitBits = (bits + passes - 1) / passes
      var (from, to) = (first, second)
      for pass in 0..<passes {
        sortByDigit(
          Lanes(from), into: Lanes(to), rows.count,
          Digit(shift: 64 - bits + pass * digitBits, bits: digitBits), threads: threads)
        swap(&from, &to)
      }
      return SpineOrder(
        records: Lanes(from), shift: UInt64(32 + cellBits), buffer: from,
        count: known.load(ordering: .relaxed))
    }

    /// How many rows the most frequent entity has, by a sample; few or none if there is none that
    /// stands out.
    private func rowsOfCommonEntity() -> Int {
      let records = Lanes<UInt64>(first)
      let looked = min(rows.count, Maker.sample)
      var seen: [UInt64: Int] = [:]
      for index in 0..<looked {
        let id = records[index * rows.count / looked] &>> UInt64(32 + cellBits)
        if id < UInt64(entities) { seen[id, default: 0] += 1 }
      }
      // Two of one entity are chance.
      let most = max(0, (seen.values.max() ?? 0) - 2)
      return most * rows.count / max(1, looked)
    }

    /// Bytes that so many rows take while they are sorted.
    static func bytes(_ rows: Int) -> Int { 2 * rows * MemoryLayout<UInt64>.stride }
  }
}

/// The place of one digit within a record.
private struct Digit {
  let shift: Int
  let bits: Int

  var values: Int { 1 << bits }

  @inline(__always) func of(_ record: UInt64) -> Int {
    Int(truncatingIfNeeded: record &>> UInt64(shift)) & (values &- 1)
  }
}

/// Times cut into equal spans, numbered from the earliest one.
@safe private struct SpineTimes: @unchecked Sendable {
  private let times: Column
  private let values: UnsafeRawPointer?
  private let isDate: Bool
  private let least: Int64
  /// Bits that a difference loses, and those that it gains if it has fewer than a cell's number:
  /// the highest bits tell the most.
  private let shift: UInt64
  private let raise: UInt64

  /// - Parameter bits: of the greatest number; 0 for one cell.
  init(_ times: Column, _ rows: Range<Int>, bits: Int) {
    self.times = times
    isDate = times.type == .date
    guard bits > 0 else {
      (least, shift, raise) = (0, 0, 0)
      unsafe values = nil
      return
    }
    // Nulls count as what lies there: they are in some place, and answered by none.
    let greatest: Int64
    if isDate {
      let dates = unsafe times.fixedValues(as: Int32.self)
      let ends = unsafe extremes(dates, rows)
      (least, greatest) = (Int64(ends.least), Int64(ends.greatest))
      unsafe values = UnsafeRawPointer(dates.baseAddress)
    } else {
      let ticks = unsafe times.fixedValues(as: Int64.self)
      (least, greatest) = unsafe extremes(ticks, rows)
      unsafe values = UnsafeRawPointer(ticks.baseAddress)
    }
    let span = UInt64(bitPattern: greatest &- least)
    let spanBits = 64 - span.leadingZeroBitCount
    shift = UInt64(max(0, spanBits - bits))
    raise = UInt64(max(0, bits - spanBits))
  }

  @inline(__always) func cell(of row: Int) -> UInt64 {
    guard let values = unsafe values else { return 0 }
    let time =
      isDate
      ? unsafe Int64(values.load(fromByteOffset: row &* 4, as: Int32.self))
      : unsafe values.load(fromByteOffset: row &* 8, as: Int64.self)
    return (UInt64(bitPattern: time &- least) &>> shift) &<< raise
  }
}

/// Moves records to where they stand by one digit; equal digits keep their order.
///
/// Every thread counts and moves a part of its own.
private func sortByDigit(
  _ from: Lanes<UInt64>, into to: Lanes<UInt64>, _ count: Int, _ digit: Digit, threads: Int
) {
  let parts = max(1, min(threads, count / 65_536))
  let each = (count + parts - 1) / max(1, parts)
  let arena = LaneArena()
  let counters = (0..<parts).map { _ in arena.lanes(of: UInt32.self, digit.values) }
  func inParts(_ body: @escaping @Sendable (Int, Range<Int>) -> Void) {
    let work: @Sendable (Int) -> Void = { part in
      body(part, min(count, part * each)..<min(count, (part + 1) * each))
    }
    if parts == 1 {
      work(0)
    } else {
      concurrently(parts, work)
    }
  }
  inParts { part, positions in
    let own = counters[part]
    for position in positions { own[digit.of(from[position])] &+= 1 }
  }
  var next: UInt32 = 0
  for value in 0..<digit.values {
    for own in counters {
      let many = own[value]
      own[value] = next
      next &+= many
    }
  }
  inParts { part, positions in
    let own = counters[part]
    for position in positions {
      let record = from[position]
      let value = digit.of(record)
      to[Int(own[value])] = record
      own[value] &+= 1
    }
  }
  withExtendedLifetime(arena) {}
}
