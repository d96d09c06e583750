import CLarderKernels
import LarderEncodings
import TestSupport
import Testing

@Suite struct PackingTests {
  static let widths = Array(0...57) + [64]

  @Test(arguments: widths) func kernelTwinAndSingleValuesAgree(width: Int) {
    var random = SeededRandom(seed: UInt64(width))
    for count in [1, 7, 8, 9, 63, 64, 65, 1_000, 1_024] {
      let base = width == 64 ? 0 : Int64(bitPattern: random.next())
      let lanes = (0..<count).map { _ in
        base &+ Int64(bitPattern: random.next() & laneMask(width))
      }
      let bytes = Packing.bytes(count, width)
      #expect(bytes == (count * width + 63) / 64 * 8)
      let body = UnsafeMutableRawPointer.allocate(byteCount: bytes + 8, alignment: 8)
      body.initializeMemory(as: UInt8.self, repeating: 0xA5, count: bytes + 8)
      var fast = [Int64](repeating: 0, count: count)
      var twin = fast
      lanes.withUnsafeBufferPointer { lanes in
        Packing.pack(lanes.baseAddress!, count, base: base, width: width, into: body)
      }
      larder_unpack(body, count, UInt32(width), base, &fast)
      Packing.unpack(body, count, base: base, width: width, into: &twin)
      #expect(fast == lanes, "width \(width), \(count) lanes")
      #expect(twin == lanes, "width \(width), \(count) lanes")
      for level in [LARDER_LEVEL_WORDS, LARDER_LEVEL_AVX2, LARDER_LEVEL_WIDE] {
        fast = [Int64](repeating: 0, count: count)
        larder_unpack_as(level, body, count, UInt32(width), base, &fast)
        #expect(fast == lanes, "width \(width), \(count) lanes, level \(level)")
      }
      let header = VectorHeader(base: base, offset: 0, width: UInt8(width))
      for index in 0..<count {
        let word = PackedView.packed(body, header, index)
        #expect(base &+ Int64(bitPattern: word) == lanes[index])
      }
      // The word after the numbers is not written.
      #expect(body.load(fromByteOffset: bytes, as: UInt8.self) == 0xA5)
      body.deallocate()
    }
  }

  @Test func masksHaveTheirWidth() {
    for width in Self.widths { #expect(laneMask(width).nonzeroBitCount == width) }
    #expect(Packing.width(of: 0) == 0)
    #expect(Packing.width(of: 1) == 1)
    #expect(Packing.width(of: 1 << 57 - 1) == 57)
    #expect(Packing.width(of: 1 << 57) == 64)
    #expect(Packing.width(of: .max) == 64)
  }

  @Test func decimalKernelsKeepEveryBit() {
    var random = SeededRandom(seed: 9)
    let special = [0.0, -0.0, .nan, .infinity, 0.1, 1e300, 5.25, -7.3, 4.35, 1e15, 9.99e-300]
    for exponent in 0...15 {
      let power = powerOfTen(exponent)
      let values = (0..<1_000).map { index in
        index < special.count
          ? special[index] : Double(random.int(-1_000_000...1_000_000)) / powerOfTen(index % 7)
      }
      var integers = [Int64](repeating: 0, count: values.count)
      var exact = [UInt8](repeating: 0, count: values.count)
      let count = larder_to_decimals64(values, values.count, power, &integers, &exact)
      #expect(count == exact.count { $0 == 1 })
      var back = [Double](repeating: 0, count: values.count)
      larder_divide64(integers, values.count, power, &back)
      for index in values.indices where exact[index] == 1 {
        #expect(back[index].bitPattern == values[index].bitPattern)
        #expect(back[index] == Double(integers[index]) / power)
      }
      #expect(exact[1] == 0 && exact[2] == 0 && exact[3] == 0, "-0.0, NaN and infinity")
    }
  }
}
