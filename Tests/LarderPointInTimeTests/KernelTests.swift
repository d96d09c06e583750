import CLarderKernels
import LarderEncodings
import LarderPointInTime
import TestSupport
import Testing

@Suite struct KernelTests {
  @Test func countsAsItsTwinDoes() {
    var random = SeededRandom(seed: 11)
    for round in 0..<200 {
      let lanes = random.int(1...256)
      var lists: [[Int64]] = []
      var keys: [Int64] = []
      for _ in 0..<lanes {
        let length = random.chance(0.1) ? 0 : random.int(1...(random.chance(0.1) ? 5_000 : 40))
        let span = Int64(random.int(0...100))
        lists.append((0..<length).map { _ in Int64(random.int(0...Int(span))) }.sorted())
        keys.append(random.chance(0.1) ? .min : Int64(random.int(-1...101)))
      }
      let flat = lists.flatMap(\.self) + [0]
      flat.withUnsafeBufferPointer { values in
        var starts: [UnsafePointer<Int64>?] = []
        var offset = 0
        for list in lists {
          starts.append(values.baseAddress.map { $0 + offset })
          offset += list.count
        }
        let lengths = lists.map { UInt32($0.count) }
        var counts = [UInt32](repeating: .max, count: lanes)
        larder_count_not_greater(starts, lengths, keys, &counts, lanes)
        let twin = countNotGreater(starts, lengths, keys)
        #expect(counts == twin, "round \(round)")
        #expect(
          counts
            == zip(lists, keys).map { list, key in
              UInt32(list.filter { $0 <= key }.count)
            })
      }
    }
  }

  @Test func knowsTheNumbersOfValidityModes() {
    #expect([ValidityMode.none, .allNull, .bitmap, .sparse].map(\.rawValue) == [0, 1, 2, 3])
    #expect(VectorKind.frames.rawValue == 1 && VectorKind.runs.rawValue == 2)
    #expect(VectorKind.delta.rawValue == 3 && VectorKind.patched.rawValue == 4)
    #expect(VectorKind.decimal.rawValue == 64 && VectorKind.single.rawValue == 128)
  }
}
