/// A small deterministic generator (SplitMix64, Steele, Lea and Flood, OOPSLA 2014): one seed
/// replays a failing case.
public struct SeededRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64
  /// Begins at a seed.
  public init(seed: UInt64) { state = seed }
  /// 64 random bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
  /// True with a probability.
  public mutating func chance(_ p: Double) -> Bool { Double.random(in: 0..<1, using: &self) < p }
  /// An integer of a range.
  public mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }
}
