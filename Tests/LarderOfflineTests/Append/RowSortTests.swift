import LarderColumns
import LarderContract
import LarderFiles
import TestSupport
import Testing

@testable import LarderOffline

@Suite struct RowSortTests {
  private struct Case {
    var ids: [UInt32]
    var events: [Int64]
    var created: [Int64?]
  }

  private func makeCase(_ random: inout SeededRandom) -> Case {
    let count = random.int(0...(random.chance(0.1) ? 3_000 : 200))
    let spread = UInt32(random.int(1...(random.chance(0.3) ? 4_000_000_000 : 40)))
    let times = Int64(random.int(1...(random.chance(0.3) ? 1_000_000 : 6)))
    let sorted = random.chance(0.2)
    let latest: Int64 = random.chance(0.5) ? 3 : .max
    var result = Case(ids: [], events: [], created: [])
    for row in 0..<count {
      result.ids.append(UInt32.random(in: 0...spread, using: &random))
      result.events.append(sorted ? Int64(row) : Int64.random(in: -times...times, using: &random))
      result.created.append(
        random.chance(0.3) ? nil : Int64.random(in: -latest...latest, using: &random))
    }
    if count > 2 { result.events[0] = .min; result.events[1] = .max }
    return result
  }

  @Test func agreesWithThePlainSort() throws {
    for seed in UInt64(0)..<300 {
      var random = SeededRandom(seed: seed)
      let rows = makeCase(&random)
      let sorted = try RowSort(
        ids: Buffer(copying: rows.ids), events: Buffer(copying: rows.events),
        created: BatchedColumn(.timestamp(rows.created)), threads: Int(seed % 3) + 1,
        scratch: ScratchMemory()
      ).sort(nil, count: rows.ids.count)
      let expected = rows.ids.indices.sorted { a, b in
        let left = (rows.ids[a], rows.events[a], rows.created[a] == nil ? 0 : 1)
        let right = (rows.ids[b], rows.events[b], rows.created[b] == nil ? 0 : 1)
        if left != right { return left < right }
        let (x, y) = (rows.created[a] ?? 0, rows.created[b] ?? 0)
        return x == y ? a < b : x < y
      }
      let got = unsafe sorted.rows.values(as: UInt32.self).prefix(sorted.count).map { Int($0) }
      #expect(got == expected, "seed \(seed)")
      let ids = unsafe sorted.ids.values(as: UInt32.self).prefix(sorted.count)
      #expect(Array(ids) == expected.map { rows.ids[$0] }, "seed \(seed)")
    }
  }

  /// Above the sizes at which several threads take part.
  @Test func agreesOnManyRows() throws {
    var random = SeededRandom(seed: 9)
    let count = 300_000
    let ids = (0..<count).map { _ in UInt32.random(in: 0...2, using: &random) }
    let events = (0..<count).map { _ in Int64.random(in: 0...1_000_000, using: &random) }
    let sorted = try RowSort(
      ids: Buffer(copying: ids), events: Buffer(copying: events), created: nil, threads: 2,
      scratch: ScratchMemory()
    ).sort(nil, count: count)
    let rows = unsafe sorted.rows.values(as: UInt32.self)
    var wrong = 0
    for index in 1..<count {
      let (a, b) = unsafe (Int(rows[index - 1]), Int(rows[index]))
      if (ids[a], events[a], a) >= (ids[b], events[b], b) { wrong += 1 }
    }
    #expect(wrong == 0)
  }

  @Test func cutsKeepTiesTogether() throws {
    for seed in UInt64(0)..<200 {
      var random = SeededRandom(seed: seed)
      let count = random.int(1...400)
      let most = random.int(8...60)
      let keys = UInt32(random.int(1...30))
      let pairs = (0..<count).map { _ in
        (UInt32.random(in: 0..<keys, using: &random), Int64.random(in: 0...200, using: &random))
      }.sorted { $0 < $1 }
      let sorted = SortedRows(
        count: count, rows: Buffer(copying: (0..<UInt32(count)).map { $0 }),
        ids: Buffer(copying: pairs.map(\.0)), events: Buffer(copying: pairs.map(\.1)))
      let cuts: [Range<Int>]
      do { cuts = try SegmentCuts.cut(sorted, most: most, multiple: 2) } catch {
        #expect(error.code == .limitExceeded)
        continue
      }
      #expect(cuts.flatMap { Array($0) } == Array(0..<count), "seed \(seed)")
      #expect(cuts.allSatisfy { $0.count <= most }, "seed \(seed)")
      let boxes = cuts.map { cut in
        let part = pairs[cut]
        let events = part.map(\.1)
        return SegmentDescription(
          uuid: FileIdentifier(high: 0, low: UInt64(cut.lowerBound)), viewID: 1, rows: cut.count,
          fileBytes: 0, minID: part.first?.0 ?? 0, maxID: part.last?.0 ?? 0,
          minEvent: events.min() ?? 0, maxEvent: events.max() ?? 0, minCreated: nil,
          maxCreated: nil, nullCreated: 0, firstCommit: 1, lastCommit: 1, footerHash: 0,
          partition: nil)
      }
      #expect(Boxes.firstOverlap(boxes) == nil, "seed \(seed)")
    }
  }
}
