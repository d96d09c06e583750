import CLarderKernels
import LarderColumns
import LarderEncodings
import LarderFiles
import LarderOffline
import TestSupport
import Testing

@testable import LarderPointInTime

@Suite struct KernelTests {
  @Test(arguments: 0..<UInt64(40))
  func findsTheRowsThatItsTwinFinds(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let segments = try (0..<2).map { _ in try TrialSegment(&random) }
    let times = try segments.map { try $0.segment.eventTimes() }
    let kernelTimes = times.map { larder_times($0) }
    var runs: [larder_run] = []
    for lane in 0..<random.int(1...600) {
      let ordinal = random.int(0...1)
      let (start, end) = segments[ordinal].runs.randomElement(using: &random) ?? (0, 1)
      let first = times[ordinal].time(at: start)
      let last = times[ordinal].time(at: end - 1)
      var key = times[ordinal].time(at: random.int(start...(end - 1)))
      switch random.int(0...7) {
      case 0: key = key == .min ? key : key - 1
      case 1: key = .min
      case 2: key = .max
      case 3: key = first == .min ? first : first - 1
      case 4: key = Int64(bitPattern: random.next())
      default: break
      }
      runs.append(
        larder_run(
          key: key, first: first, last: last, event: 0, start: UInt32(start), end: UInt32(end),
          low: 0, high: 0, guess: 0, segment: UInt32(ordinal), lane: UInt32(lane), row: 7))
    }
    var expected = runs
    expected.withUnsafeMutableBufferPointer { findRows($0, times) }
    larder_locate_blocks(&runs, runs.count, kernelTimes)
    var ordered = runs
    let unread = larder_find_rows(&runs, runs.count, kernelTimes)
    expect(runs, unread, expected, times)
    // Blocks may be shared or not; all that the order changes is speed.
    if random.int(0...1) == 1 { ordered.sort { ($0.segment, $0.low) < ($1.segment, $1.low) } }
    let left = larder_find_rows_in_order(&ordered, ordered.count, kernelTimes)
    #expect(left == unread)
    expect(ordered.sorted { $0.lane < $1.lane }, left, expected, times)
    withExtendedLifetime(segments) {}
  }

  private func expect(
    _ runs: [larder_run], _ unread: Int, _ expected: [larder_run], _ times: [TimeView]
  ) {
    #expect(unread == runs.count { $0.row == LARDER_UNREAD_ROW })
    for (run, twin) in zip(runs, expected) {
      if run.row == LARDER_UNREAD_ROW {
        // The block is right even where its vector is not one that the kernel reads.
        let row = lastRow(
          times[Int(run.segment)], Int(run.low)..<Int(run.high), notAfter: run.key)
        #expect(row.map { UInt32($0) } ?? .max == twin.row, "lane \(run.lane)")
      } else {
        #expect(run.row == twin.row, "lane \(run.lane)")
        if run.row != .max { #expect(run.event == twin.event, "lane \(run.lane)") }
      }
    }
  }

  @Test func readsMostVectorsItself() throws {
    var random = SeededRandom(seed: 5)
    var unread = 0
    var all = 0
    for _ in 0..<20 {
      let trial = try TrialSegment(&random)
      let times = [larder_times(try trial.segment.eventTimes())]
      var runs = trial.runs.map { start, end in
        larder_run(
          key: .max, first: 0, last: 1, event: 0, start: UInt32(start), end: UInt32(end), low: 0,
          high: 0, guess: 0, segment: 0, lane: 0, row: 0)
      }
      larder_locate_blocks(&runs, runs.count, times)
      unread += larder_find_rows(&runs, runs.count, times)
      all += runs.count
      withExtendedLifetime(trial) {}
    }
    #expect(unread < all / 2)
  }

  @Test(arguments: 0..<UInt64(40))
  func gathersWhatWasWritten(seed: UInt64) throws {
    var random = SeededRandom(seed: seed &+ 1_000)
    let segments = try (0..<2).map { _ in try TrialSegment(&random) }
    for (field, type) in TrialSegment.types.enumerated() {
      let columns = try segments.map { try $0.segment.column(fieldID: UInt32(field + 1)) }
      let feature = try FeatureGather(columns, as: type)
      let rows = random.int(1...SearchScratch.chunkRows)
      var expected: [Value] = []
      var pulled = PulledRows()
      for _ in 0..<rows {
        let ordinal = random.int(0...1)
        let row = random.int(0...(segments[ordinal].rows - 1))
        pulled.append(0, ordinal, row)
        expected.append(segments[ordinal].columns[field][row])
      }
      var matches = Matches(LaneArena())
      matches.copy(pulled, 0..<rows)
      func output() -> OutputColumn {
        var dictionary: Column?
        if case .codes(_, let union) = feature { dictionary = union.values }
        return OutputColumn(type, rows: rows, dictionary: dictionary)
      }
      let found = output()
      try FeatureGathering([feature]).gather(matches, 0, 0..<rows, [found])
      let column = try found.finish(chunks: 1)
      #expect((0..<rows).map { column[$0] } == expected, "\(type)")
      guard let twin = feature.batched else { continue }
      let other = output()
      let (values, validity) = other.open(0..<rows)
      let arena = LaneArena()
      let verified: Lanes<UInt8> = arena.lanes(8)
      try twin.verify(matches.lanes, 0..<rows, verified)
      twin.extract(
        matches.lanes, 0..<rows,
        GatherTarget(values: values, validity: validity, verified: verified))
      withExtendedLifetime(arena) {}
      let copy = try other.finish(chunks: 1)
      #expect((0..<rows).map { copy[$0] } == expected, "\(type) by the twin")
    }
  }

  @Test func knowsTheLayoutOfHeaders() {
    #expect([ValidityMode.none, .allNull, .bitmap, .sparse].map(\.rawValue) == [0, 1, 2, 3])
    #expect(VectorKind.frames.rawValue == 1 && VectorKind.runs.rawValue == 2)
    #expect(VectorKind.delta.rawValue == 3 && VectorKind.patched.rawValue == 4)
    #expect(VectorKind.decimal.rawValue == 64 && VectorKind.single.rawValue == 128)
    #expect(MemoryLayout<larder_vector>.stride == MemoryLayout<VectorHeader>.stride)
    #expect(MemoryLayout<larder_run>.stride == 64 && MemoryLayout<larder_place>.stride == 32)
    #expect(TimelineHead.rows <= LARDER_SHORT_RUN)
  }
}
