/// A page of lanes in about as many bytes as its entropy, to be unpacked as a whole.
///
/// Cold segments keep pages so. The reader unpacks a page when it first touches it, into vectors of
/// codec 0 without patches, which all there is reads in place. `Sources/LarderOffline/Segments`
/// documents the bytes.
package enum EntropyPage {
  /// What is divided into bins.
  package enum Transform: UInt8, Sendable, CaseIterable {
    /// The lanes.
    case values = 0
    /// Differences from the lane before.
    case deltas = 1
    /// The same within blocks of 64, whose first lanes are 0 and not kept: event times less fences.
    case fenced = 2
  }

  /// Bytes in front of the bins.
  static let prefixBytes = 16
  /// The fewest lanes that are tried.
  package static let fewestLanes = 2_048

  /// What all vectors of a page have in common.
  package struct Form {
    /// `decimal`, `single` or nothing.
    package var flags: VectorKind
    /// Of decimals.
    package var exponent: Int
    /// Whether floats have 32 bits.
    package var isSingle: Bool
    /// Sorted positions whose value is not its lane's decimal.
    package var exceptions: [UInt16]

    /// - Parameter exceptions: of decimals.
    package init(
      flags: VectorKind = [], exponent: Int = 0, isSingle: Bool = false, exceptions: [UInt16] = []
    ) {
      self.flags = flags
      self.exponent = exponent
      self.isSingle = isSingle
      self.exceptions = exceptions
    }
  }

  /// The packed form of a page, and the headers of the vectors that it unpacks to.
  package struct Encoded {
    /// The bytes, padded to 8.
    package let sink = ByteSink()
    /// Their offsets count from the page's first vector.
    package var headers: [VectorHeader] = []
    /// Bytes of the vectors.
    package var imageBytes = 0
  }

  /// Packs a page.
  ///
  /// - Parameters:
  ///   - lanes: `count` of them, at most 65,536; those of exceptions of no matter.
  ///   - values: the values' own bits, of exceptions; nil where there are none.
  ///   - isFenced: whether the lanes are differences from the first one of their block of 64.
  /// - Complexity: O(count), some tens of nanoseconds each.
  @unsafe package static func encode(
    _ lanes: UnsafePointer<Int64>, _ count: Int, _ form: Form, values: UnsafePointer<Int64>?,
    isFenced: Bool
  ) -> Encoded {
    var encoded = Encoded()
    unsafe plan(lanes, count, form, &encoded)
    let transform = unsafe isFenced && count > 1 ? .fenced : choose(lanes, count)
    let room = unsafe Room(count)
    let coded = unsafe transformed(lanes, 0..<count, transform, into: room.numbers)
    var least = Int64.max
    for index in 0..<coded { unsafe least = min(least, Int64(bitPattern: room.numbers[index])) }
    for index in 0..<coded {
      unsafe room.numbers[index] = room.numbers[index] &- UInt64(bitPattern: least)
    }
    unsafe room.sort(coded)
    let bins = unsafe ValueBins(
      sorted: UnsafeBufferPointer(start: room.sorted, count: coded))
    let sink = encoded.sink
    sink.append([
      transform.rawValue, form.flags.rawValue, UInt8(form.exponent), form.isSingle ? 1 : 0,
    ])
    sink.append([UInt16(bins.starts.count), UInt16(form.exceptions.count)])
    sink.append([least])
    bins.append(to: sink)
    var below = BitSink()
    for index in 0..<coded {
      let number = unsafe room.numbers[index]
      let bin = bins.bin(of: number)
      unsafe room.symbols[index] = UInt8(bin)
      below.append(number &- bins.starts[bin], Int(bins.bits[bin]))
    }
    unsafe SymbolCoding.encode(room.symbols, coded, into: sink)
    let bytes = below.finish()
    sink.append([UInt32(bytes.count)])
    sink.append(bytes)
    sink.append(form.exceptions)
    if let values = unsafe values {
      sink.append(form.exceptions.map { unsafe values[Int($0)] })
    }
    sink.align(to: 8)
    return encoded
  }

  /// Lays out the vectors that the page unpacks to: all of one base and width.
  @unsafe private static func plan(
    _ lanes: UnsafePointer<Int64>, _ count: Int, _ form: Form, _ encoded: inout Encoded
  ) {
    var least = unsafe lanes[0]
    var greatest = least
    for index in 0..<count {
      unsafe least = min(least, lanes[index])
      unsafe greatest = max(greatest, lanes[index])
    }
    let width = Packing.width(of: UInt64(bitPattern: greatest &- least))
    var next = 0
    for start in stride(from: 0, to: count, by: 1_024) {
      let inVector = min(1_024, count - start)
      var header = VectorHeader(
        base: width == 64 ? 0 : least, offset: UInt32(encoded.imageBytes >> 3),
        width: UInt8(width), kind: form.flags, aux: UInt16(form.exponent << 11))
      let exceptions = next
      while next < form.exceptions.count, Int(form.exceptions[next]) < start + inVector {
        next += 1
      }
      // Where some value is no decimal, the vector holds the values' bits.
      if next > exceptions {
        header = VectorHeader(base: 0, offset: UInt32(encoded.imageBytes >> 3), width: 64)
      }
      encoded.headers.append(header)
      encoded.imageBytes += Packing.bytes(inVector, Int(header.width))
    }
  }

  /// Whether lanes or their differences take fewer bits, judged by 8 runs of 512.
  @unsafe private static func choose(_ lanes: UnsafePointer<Int64>, _ count: Int) -> Transform {
    let runs = min(8, count / 512)
    guard runs > 0 else { return .values }
    let stride = (count - 512) / max(1, runs - 1)
    var best = (transform: Transform.values, cost: Double.infinity)
    for transform in [Transform.values, .deltas] {
      var sample: [UInt64] = []
      for run in 0..<runs {
        let start = min(count - 512, run * stride)
        for index in (start + 1)..<(start + 512) {
          let lane = unsafe lanes[index]
          let number = unsafe transform == .values ? lane : lane &- lanes[index - 1]
          sample.append(UInt64(bitPattern: number) ^ 1 << 63)
        }
      }
      sample.sort()
      let cost = unsafe sample.withUnsafeBufferPointer { sample in
        unsafe ValueBins(sorted: sample, weight: Double(count) / Double(sample.count)).cost
      }
      // Sums cost time.
      if cost < best.cost * (transform == .deltas ? 0.98 : 1) { best = (transform, cost) }
    }
    return best.transform
  }

  /// Writes the numbers that are divided into bins, and returns how many there are.
  @unsafe private static func transformed(
    _ lanes: UnsafePointer<Int64>, _ range: Range<Int>, _ transform: Transform,
    into numbers: UnsafeMutablePointer<UInt64>
  ) -> Int {
    var coded = 0
    for index in range {
      let lane = unsafe lanes[index]
      switch transform {
      case .values: unsafe numbers[coded] = UInt64(bitPattern: lane)
      case .deltas:
        let before = unsafe index == 0 ? 0 : lanes[index - 1]
        unsafe numbers[coded] = UInt64(bitPattern: lane &- before)
      case .fenced:
        if index & 63 == 0 { continue }
        unsafe numbers[coded] = UInt64(bitPattern: lane &- lanes[index - 1])
      }
      coded += 1
    }
    return coded
  }
}

extension ValueBins {
  /// The bin of a number that lies in one.
  @inline(__always) func bin(of number: UInt64) -> Int {
    var low = 0
    var count = starts.count
    while count > 1 {
      let half = count &>> 1
      low = starts[low &+ half] <= number ? low &+ half : low
      count = count &- half
    }
    return low
  }
}

/// Numbers of any width one after the other, least significant bit first.
struct BitSink {
  private var words: [UInt64] = []
  private var word: UInt64 = 0
  private var filled = 0

  /// Adds the low bits of a number that has no others.
  @inline(__always) mutating func append(_ number: UInt64, _ bits: Int) {
    word |= number &<< UInt64(filled)
    filled &+= bits
    if filled >= 64 {
      words.append(word)
      filled &-= 64
      word = filled == 0 ? 0 : number &>> UInt64(bits &- filled)
    }
  }

  /// The bytes, in whole words.
  mutating func finish() -> [UInt64] {
    if filled > 0 { words.append(word) }
    return words
  }
}

/// Memory to pack a page in.
@unsafe private final class Room {
  let numbers: UnsafeMutablePointer<UInt64>
  let sorted: UnsafeMutablePointer<UInt64>
  let symbols: UnsafeMutablePointer<UInt8>
  private let spare: UnsafeMutablePointer<UInt64>

  init(_ count: Int) {
    unsafe numbers = .allocate(capacity: count)
    unsafe sorted = .allocate(capacity: count)
    unsafe spare = .allocate(capacity: count)
    unsafe symbols = .allocate(capacity: count)
  }

  deinit {
    unsafe numbers.deallocate()
    unsafe sorted.deallocate()
    unsafe spare.deallocate()
    unsafe symbols.deallocate()
  }

  /// Copies numbers to `sorted` in ascending order, by 11 bits at a time.
  func sort(_ count: Int) {
    var greatest: UInt64 = 0
    for index in 0..<count {
      unsafe sorted[index] = numbers[index]
      greatest |= unsafe numbers[index]
    }
    var (from, to) = unsafe (sorted, spare)
    var places = [Int](repeating: 0, count: 2_048)
    for shift in stride(from: 0 as UInt64, to: 64, by: 11) where greatest >> shift != 0 {
      for digit in places.indices { places[digit] = 0 }
      for index in 0..<count { unsafe places[Int(from[index] &>> shift & 2_047)] += 1 }
      var start = 0
      for digit in places.indices {
        let here = places[digit]
        places[digit] = start
        start += here
      }
      for index in 0..<count {
        let number = unsafe from[index]
        let digit = Int(number &>> shift & 2_047)
        unsafe to[places[digit]] = number
        places[digit] &+= 1
      }
      unsafe swap(&from, &to)
    }
    if unsafe from != sorted { unsafe sorted.update(from: from, count: count) }
  }
}
