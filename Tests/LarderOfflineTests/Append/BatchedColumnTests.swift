import LarderColumns
import TestSupport
import Testing

@testable import LarderOffline

/// Columns that stay in their batches give what the same columns put together give.
@Suite struct BatchedColumnTests {
  private func column(_ rows: Int, _ type: DataType, _ random: inout SeededRandom) -> Column {
    let nulls = random.chance(0.5) ? 0.3 : 0
    // Before and behind lies what does not belong to the batch.
    let before = random.int(0...70)
    let all = before + rows + random.int(0...9)
    let values = (0..<all).map { _ in
      random.chance(nulls) ? nil : Int64(bitPattern: random.next())
    }
    let whole: Column
    switch type {
    case .bool: whole = .bool(values.map { $0.map { $0 & 1 == 1 } })
    case .int32: whole = .int32(values.map { $0.map { Int32(truncatingIfNeeded: $0) } })
    default: whole = .int64(values)
    }
    return whole.slice(before..<before + rows)
  }

  @Test func agreeWithJoinedColumns() throws {
    for seed in UInt64(0)..<200 {
      var random = SeededRandom(seed: seed)
      let counts = (0..<random.int(2...9)).map { _ in
        [0, 1, 63, 64, 65, 5_000][random.int(0...5)] + random.int(0...20)
      }
      let total = counts.reduce(0, +)
      guard total > 0 else { continue }
      let numbering = RowNumbering(counts)
      try #require(numbering.isPlaced, "seed \(seed)")
      let type: DataType = [.bool, .int32, .int64][random.int(0...2)]
      let parts = counts.map { column($0, type, &random) }
      let rows = (0..<random.int(1...3_000)).map { _ in UInt32(random.int(0...(total - 1))) }
      let buffer = Buffer(copying: rows)
      let scratch = ScratchMemory()
      let picks = RowPicks(
        rows: buffer, places: numbering.place(buffer.values(as: UInt32.self), in: scratch))
      let found = try BatchedColumn(parts, numbering).gathered(picks, in: scratch)
      let joined = try Column.joined(parts)
      try #require(found.count == rows.count, "seed \(seed)")
      let wrong = rows.indices.filter { found[$0] != joined[Int(rows[$0])] }
      #expect(wrong.isEmpty, "seed \(seed), \(type), first \(wrong.first as Any)")
      #expect(found.nullCount == rows.count { joined[Int($0)] == .null }, "seed \(seed)")
    }
  }

  /// Batches of no row, of one and of many, so that one entry of the table leads to very many.
  @Test func placesAreThoseOfAPlainLoop() throws {
    for seed in UInt64(0)..<20 {
      var random = SeededRandom(seed: seed)
      let counts = (0..<random.int(2...9_000)).map { _ in
        random.chance(0.001) ? random.int(0...9_000) : random.int(0...2)
      }
      let numbering = RowNumbering(counts)
      try #require(numbering.isPlaced, "seed \(seed)")
      var expected: [UInt32] = []
      for (batch, count) in counts.enumerated() {
        for row in 0..<count { expected.append(UInt32(batch) << numbering.shift | UInt32(row)) }
      }
      let rows = Buffer(copying: (0..<expected.count).map { UInt32($0) }.shuffled(using: &random))
      let places = numbering.place(rows.values(as: UInt32.self), in: ScratchMemory())
      let found = places.values(as: UInt32.self)
      let wrong = rows.values(as: UInt32.self).enumerated().first { place, row in
        found[place] != expected[Int(row)]
      }
      #expect(wrong == nil, "seed \(seed), row \(wrong?.element as Any)")
      withExtendedLifetime((rows, places)) {}
    }
  }

  @Test func timesAreFoundByRow() throws {
    var random = SeededRandom(seed: 3)
    let counts = [4, 0, 1, 70, 2]
    let parts = counts.map { column($0, .int64, &random) }
    let joined = try Column.joined(parts)
    let ties = TieOrder(BatchedColumn(parts, RowNumbering(counts)))
    for row in 0..<joined.count {
      #expect(ties.time(of: row).map { Value.int64($0) } ?? .null == joined[row])
    }
  }

  /// Places have 32 bits: the batch above, the row within the largest batch below.
  @Test func placesFitOrAreNotUsed() {
    #expect(!RowNumbering([10]).isPlaced)
    #expect(RowNumbering([1 << 28] + [Int](repeating: 1, count: 15)).isPlaced)
    #expect(!RowNumbering([1 << 28] + [Int](repeating: 1, count: 16)).isPlaced)
    #expect(!RowNumbering([1 << 28 + 1] + [Int](repeating: 1, count: 15)).isPlaced)
    #expect(RowNumbering([1, 1]).isPlaced)
  }
}
