import LarderEncodings
import TestSupport
import Testing

/// Each codec is chosen where it is meant to be, and single and bulk reads give the lanes back.
@Suite struct VectorCodecTests {
  private enum Shape: String, CaseIterable {
    case constant, small, raw, stairs, outliers, runs, counter, resets, extremes
  }

  private func lanes(_ shape: Shape, _ count: Int, _ random: inout SeededRandom) -> [Int64] {
    var walk: Int64 = 1_000_000
    return (0..<count).map { index in
      switch shape {
      case .constant: return -77
      case .small: return Int64(random.int(-50...50))
      case .raw: return Int64(bitPattern: random.next())
      case .stairs: return Int64(index / 64 * 1_000_000) + Int64(random.int(0...200))
      case .outliers: return random.chance(0.01) ? 1 << 40 : Int64(random.int(0...100))
      case .runs: return Int64(index / 90) * 12_345_678_901
      case .counter:
        walk += Int64(random.int(900...930))
        return walk
      case .resets:
        walk = index % 100 == 0 ? Int64(random.int(0...1_000_000)) : walk + Int64(random.int(0...7))
        return walk
      case .extremes: return [Int64.min, .max, 0, -1][random.int(0...3)]
      }
    }
  }

  @Test(arguments: Shape.allCases.map(\.rawValue), [1, 2, 63, 64, 65, 500, 1_023, 1_024])
  func codecsGiveBackTheirLanes(name: String, count: Int) throws {
    let shape = try #require(Shape(rawValue: name))
    for seed in 0..<4 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let lanes = lanes(shape, count, &random)
      var restarts = [UInt64](repeating: 0, count: 17)
      if shape == .resets {
        for index in stride(from: 0, to: count, by: 100) {
          restarts[index / 64] |= 1 << (index % 64)
        }
      }
      var encoder = VectorEncoder(LaneOptions(allowsDelta: true))
      lanes.withUnsafeBufferPointer { lanes in
        restarts.withUnsafeBufferPointer { restarts in
          encoder.append(
            VectorInput(
              lanes: lanes.baseAddress!, count: count, restarts: restarts.baseAddress!))
        }
      }
      let header = encoder.headers[0]
      if count == 1_024 { expectCodec(header, shape) }
      #expect(header.leastBodyBytes(count) ?? .max <= encoder.sink.count)
      #expect(
        header.isSound(encoder.sink.bytes.baseAddress!, count, available: encoder.sink.count))
      check(encoder, lanes, "\(name) of \(count), seed \(seed)")
    }
  }

  private func expectCodec(_ header: VectorHeader, _ shape: Shape) {
    switch shape {
    case .constant: #expect(header.codec == 0 && header.width == 0)
    case .small: #expect(header.codec == 0 && header.width == 7)
    case .raw, .extremes: #expect(header.width == 64)
    case .stairs: #expect(header.codec == 1)
    case .outliers: #expect(header.codec == 0 && header.kind.contains(.patched))
    case .runs: #expect(header.codec == 2)
    case .counter: #expect(header.codec == 3 && !header.kind.contains(.patched))
    case .resets: #expect(header.codec == 3 && header.kind.contains(.patched))
    }
  }

  private func check(_ encoder: VectorEncoder, _ lanes: [Int64], _ what: String) {
    let one: [Int64] = [1]
    encoder.headers.withUnsafeBufferPointer { headers in
      one.withUnsafeBufferPointer { one in
        guard let first = headers.baseAddress, let scale = one.baseAddress,
          let body = encoder.sink.bytes.baseAddress
        else { return }
        let view = PackedView(
          headers: first, body: body, scales: scale, count: lanes.count, traits: encoder.traits)
        var bulk = [Int64](repeating: 0, count: 1_024)
        view.decode(vector: 0, into: &bulk)
        #expect(Array(bulk[0..<lanes.count]) == lanes, "\(what)")
        #expect(lanes.indices.allSatisfy { view.lane(at: $0) == lanes[$0] }, "\(what)")
      }
    }
  }

  @Test func divisorsAreFound() {
    let seconds: [Int64] = [3_000_000, 0, -9_000_000, 4_000_000]
    #expect(CommonDivisor.find(seconds, seconds.count) == 1_000_000)
    #expect(CommonDivisor.find([5, 5, 5], 3) == 1)
    #expect(CommonDivisor.find([2, 4, 6], 3) == 1)
    #expect(CommonDivisor.find([Int64.min, 0, .min], 3) == 1)
    #expect(CommonDivisor.find([Int64.min, 4, 8], 3) == 4)
  }
}
