/// A small deterministic generator (SplitMix64, Steele, Lea and Flood, OOPSLA 2014): one seed
/// replays a failing case.
package struct CaseRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Starts from a seed.
  package init(seed: UInt64) { state = seed &* 0xD1B5_4A32_D192_ED03 }

  /// The next 64 bits.
  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// True once in so many times.
  package mutating func oneIn(_ times: Int) -> Bool { int(1...times) == 1 }

  /// An integer of a range.
  package mutating func int(_ range: ClosedRange<Int>) -> Int {
    Int.random(in: range, using: &self)
  }

  /// One of a list that is not empty.
  package mutating func pick<T>(_ choices: [T]) -> T { choices[int(0...choices.count - 1)] }
}
