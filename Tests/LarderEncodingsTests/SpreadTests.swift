import CLarderKernels
import TestSupport
import Testing

/// Kernels that put what was decoded where it is wanted, beside plain Swift.
@Suite struct SpreadTests {
  @Test(arguments: 0..<UInt64(30)) func putsValuesToTheirRows(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let rows = random.int(1...300)
    let first = random.int(0...200)
    let words = (0..<(first + rows + 63) / 64).map { _ in
      random.chance(0.2) ? UInt64.max : random.next() & random.next()
    }
    func isValid(_ row: Int) -> Bool { words[(first + row) / 64] >> ((first + row) % 64) & 1 == 1 }
    let count = (0..<rows).count { isValid($0) }
    // One more can be read.
    let dense = (0...count).map { _ in random.next() }
    var next = 0
    let expected = (0..<rows).map { row -> UInt64 in
      guard isValid(row) else { return 0 }
      next += 1
      return dense[next - 1]
    }
    var wide = [UInt64](repeating: 7, count: rows)
    larder_spread64(dense, words, first, rows, &wide)
    #expect(wide == expected, "seed \(seed)")
    var narrow = [UInt32](repeating: 7, count: rows)
    larder_spread32(dense.map { UInt32(truncatingIfNeeded: $0) }, words, first, rows, &narrow)
    #expect(narrow == expected.map { UInt32(truncatingIfNeeded: $0) }, "seed \(seed)")
  }

  @Test(arguments: 0..<UInt64(30)) func copiesTexts(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let texts = (0..<random.int(1...20)).map { _ in
      (0..<random.int(0...30)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }
    var offsets: [UInt32] = [0]
    for text in texts { offsets.append(offsets[offsets.count - 1] + UInt32(text.count)) }
    let bytes = texts.flatMap(\.self) + [UInt8](repeating: 0xEE, count: 8)
    let count = random.int(1...200)
    let codes = (0..<count).map { _ in UInt32(random.int(0...(texts.count - 1))) }
    let first = random.int(0...100)
    let words = (0...(first + count) / 64).map { _ in random.next() | random.next() }
    for isNullable in [false, true] {
      func isValid(_ row: Int) -> Bool {
        !isNullable || words[(first + row) / 64] >> ((first + row) % 64) & 1 == 1
      }
      let expected = (0..<count).map { isValid($0) ? texts[Int(codes[$0])] : [] }
      var ends = [UInt32](repeating: 0, count: count + 1)
      let total =
        isNullable
        ? larder_sum_texts(codes, count, offsets, words, first, 0, &ends)
        : larder_sum_texts(codes, count, offsets, nil, first, 0, &ends)
      #expect(Int(total) == expected.reduce(0) { $0 + $1.count })
      var target = [UInt8](repeating: 0, count: Int(total) + 8)
      larder_copy_texts(codes, count, offsets, bytes, ends, &target)
      #expect(Array(target.dropLast(8)) == expected.flatMap(\.self), "seed \(seed)")
      #expect(
        (0..<count).allSatisfy { Int(ends[$0 + 1] - ends[$0]) == expected[$0].count })
    }
  }

  @Test func addsFencesAndWidensSingles() {
    var random = SeededRandom(seed: 4)
    let fences = (0..<20).map { _ in Int64(bitPattern: random.next()) }
    for _ in 0..<50 {
      let first = random.int(0...700)
      let count = random.int(1...500)
      let lanes = (0..<count).map { _ in Int64(bitPattern: random.next()) }
      var found = lanes
      larder_add_fences(&found, first, lanes.count, fences)
      let expected = lanes.indices.map { lanes[$0] &+ fences[(first + $0) / 64] }
      #expect(found == expected)
    }
    let singles = (0..<1_000).map { _ in Float(random.int(-1_000_000...1_000_000)) / 7 }
    var doubles = [Double](repeating: 0, count: 1_000)
    let bits = singles.map { Int64($0.bitPattern) }
    larder_widen_singles(bits, bits.count, &doubles)
    #expect(doubles == singles.map { Double($0) })
  }
}
