/// The greatest number that divides every lane: 10^6 for whole seconds kept as microseconds.
package enum CommonDivisor {
  /// The least divisor worth a multiplication at each read: it saves two bits.
  package static let leastUseful: UInt64 = 4

  /// The greatest common divisor of lanes; 1 where it is too small to use or all are equal.
  ///
  /// - Complexity: O(count), and a few lanes where they have no divisor in common.
  @unsafe package static func find(_ lanes: UnsafePointer<Int64>, _ count: Int) -> Int64 {
    var divisor: UInt64 = 0
    var differs = false
    for index in 0..<count {
      unsafe differs = differs || lanes[index] != lanes[0]
      let magnitude = unsafe lanes[index].magnitude
      if divisor > 0, magnitude % divisor == 0 { continue }
      var a = divisor
      var b = magnitude
      while b != 0 { (a, b) = (b, a % b) }
      divisor = a
      if divisor == 1 { return 1 }
    }
    guard differs, divisor >= leastUseful, let scale = Int64(exactly: divisor) else { return 1 }
    return scale
  }
}
