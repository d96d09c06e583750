import LarderColumns
import TestSupport
import Testing

@testable import LarderPointInTime

/// The order in which large ranges are answered.
@Suite struct SpineOrderTests {
  /// Every row with an entity once, by ascending entity, whatever the times are.
  @Test(arguments: [1, 2, 1_000, 70_000, 5_000_000])
  func holdsEachRowOnce(entities: Int) throws {
    var random = SeededRandom(seed: UInt64(entities))
    let arena = LaneArena()
    for rows in [1, 63, 5_000, 140_000] {
      let ids: Lanes<UInt32> = arena.lanes(rows)
      var times: [Int64] = []
      for row in 0..<rows {
        let isKnown = random.int(0...9) > 0
        ids[row] = isKnown ? UInt32(random.int(0...entities - 1)) : .max
        times.append(random.int(0...9) == 0 ? .min : Int64(random.int(-9_000...9_000)))
      }
      let column = Column(
        type: .timestamp(.microseconds), count: rows, nullCount: 0, validity: nil,
        values: Buffer(copying: times))
      let maker = SpineOrder.Maker(0..<rows, column, entities: entities)
      for start in stride(from: 0, to: rows, by: 2_048) {
        let part = start..<min(rows, start + 2_048)
        maker.note(part, unsafe Lanes(ids.base + start, count: part.count))
      }
      maker.sorted(threads: 2).checkInvariants(ids, rows)
    }
    withExtendedLifetime(arena) {}
  }

  /// Within an entity the times ascend, as far as the cells tell them apart.
  @Test func followsTheTimesWithinAnEntity() {
    let rows = 4_096
    var random = SeededRandom(seed: 7)
    let arena = LaneArena()
    let ids: Lanes<UInt32> = arena.lanes(rows)
    let times = (0..<rows).map { _ in Int64(random.int(0...4_000)) }
    let column = Column(
      type: .timestamp(.seconds), count: rows, nullCount: 0, validity: nil,
      values: Buffer(copying: times))
    let maker = SpineOrder.Maker(0..<rows, column, entities: 1)
    maker.note(0..<rows, ids)
    let order = maker.sorted(threads: 1)
    let sorted = (0..<order.count).map { times[order.row(at: $0)] }
    let isAscending = sorted == times.sorted()
    #expect(isAscending)
    withExtendedLifetime(arena) {}
  }
}

/// Spines of which one entity has a large part.
@Suite struct SkewedSpineTests {
  /// Rows of a common entity lie in the order of their times, though entities take most of the bits.
  @Test func followsTheTimesOfACommonEntity() {
    let rows = 100_000
    var random = SeededRandom(seed: 11)
    let arena = LaneArena()
    let ids: Lanes<UInt32> = arena.lanes(rows)
    for row in 0..<rows {
      ids[row] = random.int(0...3) == 0 ? 77 : UInt32(random.int(0...99_999))
    }
    let times = (0..<rows).map { _ in Int64(random.int(0...9_999)) }
    let column = Column(
      type: .timestamp(.seconds), count: rows, nullCount: 0, validity: nil,
      values: Buffer(copying: times))
    let maker = SpineOrder.Maker(0..<rows, column, entities: 100_000)
    for start in stride(from: 0, to: rows, by: 2_048) {
      let part = start..<min(rows, start + 2_048)
      maker.note(part, unsafe Lanes(ids.base + start, count: part.count))
    }
    let order = maker.sorted(threads: 2)
    order.checkInvariants(ids, rows)
    let common = (0..<order.count).map { order.row(at: $0) }.filter { ids[$0] == 77 }
    let isAscending = zip(common, common.dropFirst()).allSatisfy { times[$0] <= times[$1] }
    #expect(isAscending && common.count > rows / 5)
    withExtendedLifetime(arena) {}
  }
}

/// Bytes of 0 and 1 as bits.
@Suite struct PackBitsTests {
  @Test(arguments: [0, 1, 63, 64, 65, 1_000])
  func packsEveryByte(count: Int) {
    var random = SeededRandom(seed: UInt64(count))
    let bytes = (0..<count).map { _ in UInt8(random.int(0...1)) }
    let source = Buffer(copying: bytes)
    let bits = Buffer(copying: [UInt64](repeating: .max, count: (count + 63) / 64 + 1))
    packBits(Lanes(source), 0..<count, into: bits)
    let words = Lanes<UInt64>(bits)
    for (row, byte) in bytes.enumerated() {
      #expect(words[row >> 6] >> UInt64(row & 63) & 1 == UInt64(byte))
    }
    if count % 64 > 0 { #expect(words[count / 64] >> UInt64(count % 64) == 0) }
    #expect(words[(count + 63) / 64] == .max)
    withExtendedLifetime(source) {}
  }
}
