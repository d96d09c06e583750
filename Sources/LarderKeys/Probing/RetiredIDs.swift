import LarderColumns

/// Ids whose keys were erased: unknown in every snapshot, and never given out again.
@safe package struct RetiredIDs: Sendable {
  /// How many.
  package let count: Int
  // One bit per id up to the greatest.
  private let bits: Buffer
  private let bound: UInt32

  /// Makes a set of ids.
  ///
  /// - Complexity: O(greatest id / 8) bytes.
  package init(_ ids: some Collection<UInt32> = []) {
    bound = (ids.max().map { $0 &+ 1 }) ?? 0
    bits = Buffer(zeroedBytes: (Int(bound) + 7) / 8)
    let bytes = unsafe bits.base.assumingMemoryBound(to: UInt8.self)
    var count = 0
    for id in ids where id < bound {
      let bit = UInt8(1) << UInt8(id & 7)
      if unsafe bytes[Int(id >> 3)] & bit == 0 { count += 1 }
      unsafe bytes[Int(id >> 3)] |= bit
    }
    self.count = count
  }

  /// Whether there is none.
  package var isEmpty: Bool { count == 0 }

  /// Whether an id is retired.
  package func contains(_ id: UInt32) -> Bool {
    guard id < bound else { return false }
    return unsafe bits.base.load(fromByteOffset: Int(id >> 3), as: UInt8.self) >> (id & 7) & 1 == 1
  }

  /// Makes retired ids unknown.
  func mask(_ ids: UnsafeMutablePointer<UInt32>, count: Int) {
    guard !isEmpty else { return }
    for row in 0..<count { if unsafe contains(ids[row]) { unsafe ids[row] = .max } }
  }
}
