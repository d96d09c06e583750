import TestSupport
import Testing

@testable import LarderOffline

@Suite struct FixedDictionaryTests {
  @Test func numbersValuesInOrderOfFirstAppearance() {
    var random = SeededRandom(seed: 12)
    var dictionary = FixedDictionary()
    var codes: [UInt64: Int32] = [:]
    var expected: [Int32] = []
    for _ in 0..<100_000 {
      let value = UInt64(random.int(0...9_999)) << UInt64(36)
      let code = codes[value] ?? Int32(codes.count)
      codes[value] = code
      expected.append(code)
      guard dictionary.add(value, limit: 10_000) else {
        Issue.record("\(value) was not taken")
        return
      }
    }
    #expect(dictionary.codes == expected)
    #expect(dictionary.values.count == codes.count)
    let isTaken = dictionary.add(1, limit: codes.count)
    #expect(!isTaken, "there are as many as may be")
  }

  /// All of them begin their search at one place.
  @Test func givesUpOnValuesThatWereChosenToCollide() {
    // The inverse of the hash's multiplier modulo 2^64, by Newton's iteration.
    let multiplier: UInt64 = 0x9E37_79B9_7F4A_7C15
    var inverse = multiplier
    for _ in 0..<6 { inverse = inverse &* (2 &- multiplier &* inverse) }
    var dictionary = FixedDictionary()
    let taken = (0..<10_000 as Range<UInt64>).first { index in
      !dictionary.add(index &* inverse, limit: 1 << 16)
    }
    #expect(taken ?? .max < 300)
  }
}
