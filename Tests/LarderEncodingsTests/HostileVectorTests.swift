import LarderEncodings
import TestSupport
import Testing

/// Vectors that no writer makes, with checksums that hold: a reader checks codes and offsets in bulk
/// and follows them one by one, so whatever is called sound must be the same in both.
@Suite struct HostileVectorTests {
  /// A vector whose bytes can be changed, with the 8 readable bytes behind it.
  private struct Forged {
    var header: VectorHeader
    var bytes: [UInt8]
    let count: Int
    var available: Int { bytes.count - 8 }

    var isSound: Bool {
      guard let least = header.leastBodyBytes(count), least <= available else { return false }
      return bytes.withUnsafeBytes { bytes in
        guard let body = bytes.baseAddress else { return false }
        return header.isSound(body, count, available: available)
      }
    }

    /// The lanes as bulk and as single reads find them.
    func read() -> (bulk: [Int64], single: [Int64]) {
      var bulk = [Int64](repeating: 0, count: 1_024)
      var single: [Int64] = []
      let one: [Int64] = [1]
      withUnsafePointer(to: header) { header in
        one.withUnsafeBufferPointer { one in
          bytes.withUnsafeBytes { bytes in
            guard let body = bytes.baseAddress, let scale = one.baseAddress else { return }
            let view = PackedView(
              headers: header, body: body, scales: scale, count: count,
              traits: LaneTraits(header.pointee.kind))
            view.decode(vector: 0, into: &bulk)
            single = (0..<count).map { view.lane(at: $0) }
          }
        }
      }
      return (Array(bulk[..<count]), single)
    }
  }

  private enum Shape: CaseIterable {
    case outliers, framedOutliers, resets, counter, runs, small
  }

  private func forged(_ shape: Shape, _ count: Int, _ random: inout SeededRandom) -> Forged {
    var walk: Int64 = 0
    var restarts = [UInt64](repeating: 0, count: 17)
    let lanes = (0..<count).map { index -> Int64 in
      let small = Int64(random.int(0...100))
      switch shape {
      case .outliers: return index % 50 == 3 ? 1 << 40 + small : small
      case .framedOutliers:
        return Int64(index / 64) << 30 + (index % 50 == 3 ? 1 << 50 : small)
      case .resets:
        if index % 40 == 5 {
          restarts[index / 64] |= 1 << (index % 64)
          walk = small << 20
        }
        walk += small & 7
        return walk
      case .counter:
        walk += 900 + small
        return walk
      case .runs: return Int64(index / 30) * 12_345_678_901
      case .small: return small
      }
    }
    var encoder = VectorEncoder(LaneOptions(allowsDelta: true))
    lanes.withUnsafeBufferPointer { lanes in
      restarts.withUnsafeBufferPointer { restarts in
        guard let first = lanes.baseAddress, let marks = restarts.baseAddress else { return }
        encoder.append(VectorInput(lanes: first, count: count, restarts: marks))
      }
    }
    let bytes = Array(encoder.sink.bytes) + [UInt8](repeating: 0xA5, count: 8)
    return Forged(header: encoder.headers[0], bytes: bytes, count: count)
  }

  /// Where the patches' positions are in the bytes; they come last but for padding.
  private func positions(_ forged: Forged) -> Int {
    let patches = Patches.bytes(forged.header.extraCount, forged.header.kind)
    return forged.available - patches
      + forged.header.extraCount * Patches.valueBytes(forged.header.kind)
  }

  @Test func patchesLieWhereSingleReadsLook() throws {
    var random = SeededRandom(seed: 5)
    for shape in [Shape.outliers, .framedOutliers, .resets] {
      let whole = forged(shape, 1_000, &random)
      try #require(whole.header.kind.contains(.patched), "\(shape)")
      try #require(whole.isSound, "\(shape)")
      // At a number that is not all ones, a single read would find the number and not the patch.
      var moved = whole
      moved.bytes[positions(whole)] &+= 1
      #expect(!moved.isSound, "\(shape)")
    }
    var anchored = forged(.resets, 1_000, &random)
    try #require(anchored.header.codec == 3)
    // The first restart, moved to the anchor of the second block, whose number is made all ones.
    let start = AnchoredDelta.bytes(1_000, 0, anchorWidth: Int(anchored.bytes[8]))
    let width = Int(anchored.header.width)
    for bit in 64 * width..<65 * width { anchored.bytes[start + bit >> 3] |= 1 << UInt8(bit & 7) }
    let second = (0..<anchored.header.extraCount).first { ordinal in
      anchored.bytes.withUnsafeBytes {
        Patches.position(
          $0.baseAddress!
            + AnchoredDelta.bytes(
              1_000, width, anchorWidth: Int(anchored.bytes[8])), anchored.header, ordinal: ordinal)
          > 64
      }
    }
    let place = positions(anchored) + (try #require(second) - 1) * 2
    (anchored.bytes[place], anchored.bytes[place + 1]) = (64, 0)
    #expect(!anchored.isSound)
  }

  @Test func whatIsCalledSoundReadsOneWay() {
    var sound = 0
    for seed in UInt64(0)..<1_500 {
      var random = SeededRandom(seed: seed)
      let shape = Shape.allCases[random.int(0...Shape.allCases.count - 1)]
      var forged = forged(shape, random.int(1...300), &random)
      for _ in 0..<random.int(1...6) where forged.available > 0 {
        let place = random.int(0...forged.available - 1)
        // All ones stand for patches, so they are tried most.
        forged.bytes[place] = random.chance(0.7) ? 0xFF : UInt8(random.int(0...255))
      }
      if random.chance(0.2) { forged.header.aux = UInt16(random.int(0...20)) }
      if random.chance(0.2) { forged.header.width = UInt8(random.int(0...64)) }
      if random.chance(0.1) {
        forged.header.kind = VectorKind(rawValue: UInt8(random.int(0...15)))
      }
      guard forged.isSound else { continue }
      sound += 1
      let (bulk, single) = forged.read()
      #expect(bulk == single, "seed \(seed), \(shape), \(forged.header)")
    }
    // Else the test would look at nothing.
    #expect(sound > 300)
  }
}
