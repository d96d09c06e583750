import Testing

@testable import LarderColumns

@Suite struct RegionPoolTests {
  /// Whatever the kernel may take away, what is written after a region was taken stays.
  @Test func keepsWhatIsWrittenAfterTaking() {
    let pool = RegionPool()
    let bytes = 48 << 20
    for round in 0..<3 {
      var taken: [(base: UnsafeMutableRawPointer, length: Int)] = []
      for _ in 0..<6 { taken.append(pool.take(atLeast: bytes)) }
      #expect(Set(taken.map(\.base)).count == 6)
      for (index, region) in taken.enumerated() {
        #expect(region.length >= bytes && region.length % RegionPool.pageBytes == 0)
        for offset in stride(from: 0, to: bytes, by: 4_096) {
          region.base.storeBytes(of: round * 10 + index, toByteOffset: offset, as: Int.self)
        }
      }
      for (index, region) in taken.enumerated() {
        let isKept = stride(from: 0, to: bytes, by: 4_096).allSatisfy {
          region.base.load(fromByteOffset: $0, as: Int.self) == round * 10 + index
        }
        #expect(isKept, "round \(round), region \(index)")
      }
      for region in taken { pool.give(UInt(bitPattern: region.base), region.length) }
      #expect(pool.bytes.kept == 6 * bytes || RegionPool.keptBytes < 6 * bytes)
      #expect(pool.bytes.held <= RegionPool.heldBytes)
    }
  }

  @Test func givesBackWhatIsTooMuch() {
    let pool = RegionPool()
    let length = RegionPool.keptBytes / 4
    let taken = (0..<6).map { _ in pool.take(atLeast: length) }
    for region in taken { pool.give(UInt(bitPattern: region.base), region.length) }
    #expect(pool.bytes.kept <= RegionPool.keptBytes)
    #expect(pool.bytes.kept >= RegionPool.keptBytes / 2)
  }
}
