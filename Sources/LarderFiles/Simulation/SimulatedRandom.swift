/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): the same seed gives the same disaster.
struct SimulatedRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// A generator for one thing among many, whatever order they are looked at in.
  init(seed: UInt64, salt: UInt64) {
    state = seed ^ salt &* 0xD6E8_FEB8_6659_FD93
    state = next()
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }

  /// A number below a limit, which must be positive.
  mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
}
