import LarderEncodings
import TestSupport
import Testing

/// Pages packed by their entropy give every lane back, and damaged ones lead nowhere.
@Suite struct EntropyPageTests {
  enum Shape: String, CaseIterable {
    case constant, bools, small, skewed, walk, gaps, wide, extremes, raw, zeros, fenced
  }

  static func lanes(_ shape: Shape, _ count: Int, _ random: inout SeededRandom) -> [Int64] {
    var walk: Int64 = 1_000_000
    return (0..<count).map { index in
      switch shape {
      case .constant: return -77
      case .bools: return random.chance(0.1) ? 1 : 0
      case .small: return Int64(random.int(-50...50))
      case .skewed: return Int64(min(random.int(0...400), random.int(0...400), random.int(0...90)))
      case .walk:
        walk =
          index % 97 == 0 ? Int64(random.int(0...1_000_000)) : walk + Int64(random.int(-35...35))
        return walk
      case .gaps:
        walk = index % 97 == 0 ? 1_700_000_000_000_000 : walk + Int64(1) << random.int(20...36)
        return walk
      case .wide: return Int64(1) << random.int(0...40) + Int64(random.int(0...9))
      case .extremes: return [Int64.min, .max, 0, -1][random.int(0...3)]
      case .raw: return Int64(bitPattern: random.next())
      case .zeros: return index == count / 2 ? .min : 0
      case .fenced:
        walk = index & 63 == 0 ? 0 : walk + Int64(random.int(-5...100_000))
        return walk
      }
    }
  }

  struct Packed {
    var encoded: EntropyPage.Encoded
    var bytes: [UInt8]
  }

  static func pack(_ lanes: [Int64], isFenced: Bool) -> Packed {
    let encoded = lanes.withUnsafeBufferPointer { lanes in
      guard let start = lanes.baseAddress else { preconditionFailure("There are no lanes.") }
      return EntropyPage.encode(
        start, lanes.count, EntropyPage.Form(), values: nil, isFenced: isFenced)
    }
    return Packed(encoded: encoded, bytes: Array(encoded.sink.bytes))
  }

  /// The lanes that bytes unpack to; nil if they are refused.
  static func unpack(_ bytes: [UInt8], _ packed: Packed, _ count: Int) -> [Int64]? {
    // Exactly as many bytes as may be read, so that a sanitizer sees one too many.
    var image = [UInt8](repeating: 0, count: packed.encoded.imageBytes + 8)
    let padded = bytes + [UInt8](repeating: 0, count: 8)
    return padded.withUnsafeBytes { source in
      image.withUnsafeMutableBytes { image in
        packed.encoded.headers.withUnsafeBufferPointer { headers in
          guard let first = headers.baseAddress, let body = image.baseAddress,
            EntropyPage.decode(
              UnsafeRawBufferPointer(rebasing: source[..<bytes.count]), count, headers: first,
              into: body)
          else { return nil }
          let one: [Int64] = [1, 1]
          return one.withUnsafeBufferPointer { one in
            guard let scales = one.baseAddress else { return nil }
            let view = PackedView(
              headers: first, body: UnsafeRawPointer(body), scales: scales, count: count,
              traits: [])
            return (0..<count).map { view.lane(at: $0) }
          }
        }
      }
    }
  }

  @Test(arguments: Shape.allCases, [1, 63, 64, 65, 1_024, 1_025, 5_000])
  func pagesGiveBackTheirLanes(shape: Shape, count: Int) {
    for seed in 0..<3 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let lanes = Self.lanes(shape, count, &random)
      let packed = Self.pack(lanes, isFenced: shape == .fenced)
      let back = Self.unpack(packed.bytes, packed, count)
      #expect(back == lanes, "\(shape) of \(count), seed \(seed)")
    }
  }

  /// A whole page takes hardly more than its entropy: bits of each value, for distributions of
  /// which it is known.
  @Test func pagesTakeLittleMoreThanTheirEntropy() {
    var random = SeededRandom(seed: 7)
    let limits: [(Shape, Double)] = [
      (.constant, 0.01), (.bools, 0.49), (.small, 6.72), (.walk, 6.6),
    ]
    for (shape, bits) in limits {
      let packed = Self.pack(Self.lanes(shape, 65_536, &random), isFenced: false)
      let found = Double(packed.bytes.count * 8) / 65_536
      #expect(found < bits, "\(shape) takes \(found) bits")
    }
  }

  @Test func damagedPagesAreRefusedOrOtherValues() {
    for seed in 0..<400 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let shape = Shape.allCases[random.int(0...Shape.allCases.count - 1)]
      let count = random.int(1...3_000)
      let packed = Self.pack(Self.lanes(shape, count, &random), isFenced: shape == .fenced)
      var bytes = packed.bytes
      switch random.int(0...2) {
      case 0: bytes.removeLast(random.int(1...bytes.count))
      case 1: bytes[random.int(0...bytes.count - 1)] ^= 1 << UInt8(random.int(0...7))
      default:
        for _ in 0..<random.int(1...20) {
          bytes[random.int(0...min(bytes.count - 1, 60))] = UInt8(random.int(0...255))
        }
      }
      // It must come back: what it gives is of no matter here.
      _ = Self.unpack(bytes, packed, count)
    }
  }

  @Test func floatsThatAreNoDecimalsComeBack() {
    var random = SeededRandom(seed: 11)
    var values = (0..<5_000).map { _ in Double(random.int(0...100_000)) / 100 }
    for _ in 0..<20 {
      values[random.int(0...4_999)] = [.nan, -0.0, .infinity, 0.1 + 0.2][random.int(0...3)]
    }
    let bits = values.map { Int64(bitPattern: $0.bitPattern) }
    let floats = FloatEncoder(isSingle: false)
    var lanes = [Int64](repeating: 0, count: bits.count)
    let encoded = bits.withUnsafeBufferPointer { bits in
      lanes.withUnsafeMutableBufferPointer { lanes in
        let form = floats.form(bits.baseAddress!, bits.count, exponent: 2, into: lanes.baseAddress!)
        #expect(form.flags == .decimal)
        return EntropyPage.encode(
          lanes.baseAddress!, bits.count, form, values: bits.baseAddress!, isFenced: false)
      }
    }
    let packed = Packed(encoded: encoded, bytes: Array(encoded.sink.bytes))
    var image = [UInt8](repeating: 0, count: encoded.imageBytes + 8)
    image.withUnsafeMutableBytes { image in
      packed.bytes.withUnsafeBytes { source in
        encoded.headers.withUnsafeBufferPointer { headers in
          #expect(
            EntropyPage.decode(
              source, bits.count, headers: headers.baseAddress!, into: image.baseAddress!))
          let one: [Int64] = [1, 1]
          one.withUnsafeBufferPointer { one in
            let view = PackedView(
              headers: headers.baseAddress!, body: UnsafeRawPointer(image.baseAddress!),
              scales: one.baseAddress!, count: bits.count, traits: .decimal)
            for row in bits.indices {
              #expect(view.double(at: row).bitPattern == values[row].bitPattern, "row \(row)")
            }
          }
        }
      }
    }
  }

  @Test func codedSectionsComeBack() {
    var random = SeededRandom(seed: 3)
    var headers: [VectorHeader] = []
    for vector in 0..<200 {
      headers.append(
        VectorHeader(
          base: vector < 100 ? 5 : Int64(bitPattern: random.next()),
          offset: UInt32(vector * 13), width: UInt8(vector / 64), kind: .decimal, aux: 2 << 11))
    }
    let coded = CodedSection.encodeHeaders(headers)
    var back = [VectorHeader](repeating: VectorHeader(base: 0, offset: 0, width: 0), count: 200)
    let isDecoded = back.withUnsafeMutableBufferPointer {
      CodedSection.decodeHeaders(coded.bytes, 200, into: $0.baseAddress!)
    }
    #expect(isDecoded && back == headers)
  }
}
