import Glibc

/// Which powers of two a page's numbers lie in: a number is its bin's symbol and so many bits below.
///
/// Bins are as fine as their numbers are many, so that within one all are about equally likely: then
/// symbols by their frequencies and plain bits below take hardly more than the numbers' entropy.
/// (Pco's idea; here bins are aligned powers of two, found by halving a sorted page.)
struct ValueBins {
  /// Bins in ascending order, no two alike; at most 256.
  private(set) var starts: [UInt64] = []
  /// How many bits lie below each bin's start: at most 56.
  private(set) var bits: [UInt8] = []
  /// The page's bytes, about.
  private(set) var cost = 0.0

  /// Numbers of a range that is not divided further: what could be saved is little.
  private static let fewest = 96
  /// Bits of a bin in a page and its model, about.
  private static let binBits = 40.0
  /// Bits that one load can bring, wherever they begin.
  static let mostBits = 56

  /// Finds the bins of sorted numbers.
  ///
  /// - Parameter weight: how many numbers each of them stands for, where they are a sample.
  /// - Complexity: O(count).
  init(sorted: UnsafeBufferPointer<UInt64>, weight: Double = 1) {
    var penalty = Self.binBits
    repeat {
      starts.removeAll()
      bits.removeAll()
      var found = unsafe Search(sorted, weight, penalty)
      cost = unsafe found.divide(0..<sorted.count) / 8
      unsafe starts = found.starts
      unsafe bits = found.bits
      penalty *= 2
    } while starts.count > 256
  }

  /// Appends the bins: for each {u8 bits, the gap to the bin before in units of its own, as LEB128}.
  func append(to sink: ByteSink) {
    var end: UInt64 = 0
    for (start, bits) in zip(starts, bits) {
      let unit = UInt64(bits)
      let first = end >> unit + (end & (1 << unit - 1) == 0 ? 0 : 1)
      sink.append([bits])
      var gap = start >> unit - first
      while gap >= 128 {
        sink.append([UInt8(gap & 127) | 128])
        gap >>= 7
      }
      sink.append([UInt8(gap)])
      end = start &+ 1 << unit
    }
  }

  @unsafe private struct Search {
    let sorted: UnsafeBufferPointer<UInt64>
    let weight: Double
    let penalty: Double
    let all: Double
    var starts: [UInt64] = []
    var bits: [UInt8] = []

    init(_ sorted: UnsafeBufferPointer<UInt64>, _ weight: Double, _ penalty: Double) {
      unsafe self.sorted = sorted
      unsafe self.weight = weight
      unsafe self.penalty = penalty
      unsafe all = Double(sorted.count)
    }

    /// Adds the bins of a range that is not empty, and returns their bits.
    mutating func divide(_ range: Range<Int>) -> Double {
      let least = unsafe sorted[range.lowerBound]
      let greatest = unsafe sorted[range.upperBound - 1]
      let width = 64 - (least ^ greatest).leadingZeroBitCount
      let count = Double(range.count)
      let own = unsafe weight * count * (Double(width) + log2(all / count)) + penalty
      let isWide = width > ValueBins.mostBits
      if width == 0 || range.count < ValueBins.fewest && !isWide {
        unsafe add(least, width)
        return own
      }
      let before = unsafe starts.count
      let half = (greatest >> UInt64(width - 1)) << UInt64(width - 1)
      var low = range.lowerBound
      var high = range.upperBound - 1
      while low < high {
        let middle = (low + high) / 2
        if unsafe sorted[middle] < half { low = middle + 1 } else { high = middle }
      }
      let divided =
        unsafe divide(range.lowerBound..<low) + divide(low..<range.upperBound)
      if isWide || divided < own { return divided }
      unsafe starts.removeSubrange(before...)
      unsafe bits.removeSubrange(before...)
      unsafe add(least, width)
      return own
    }

    private mutating func add(_ value: UInt64, _ width: Int) {
      unsafe starts.append(width == 64 ? 0 : (value >> UInt64(width)) << UInt64(width))
      unsafe bits.append(UInt8(width))
    }
  }
}

/// Bins as they are read: nothing is known of what wrote them.
@unsafe struct StoredBins {
  let starts: UnsafeMutablePointer<UInt64>
  let bits: UnsafeMutablePointer<UInt8>
  /// How many bytes they took.
  private(set) var byteCount = 0

  /// Reads bins; nil if they are impossible.
  ///
  /// - Parameters:
  ///   - starts: room for 256.
  ///   - bits: room for 256.
  init?(
    _ bytes: UnsafeRawBufferPointer, count: Int, starts: UnsafeMutablePointer<UInt64>,
    bits: UnsafeMutablePointer<UInt8>
  ) {
    unsafe self.starts = starts
    unsafe self.bits = bits
    var end: UInt64 = 0
    var position = 0
    for bin in 0..<256 {
      // A symbol without a bin, which only damage has, is that of 0.
      unsafe starts[bin] = 0
      unsafe bits[bin] = 0
      if bin >= count { continue }
      guard position < bytes.count, unsafe bytes[position] <= UInt8(ValueBins.mostBits) else {
        return nil
      }
      let unit = unsafe UInt64(bytes[position])
      position += 1
      var gap: UInt64 = 0
      var shift: UInt64 = 0
      while true {
        guard position < bytes.count, shift < 64 else { return nil }
        let byte = unsafe UInt64(bytes[position])
        gap |= (byte & 127) &<< shift
        position += 1
        shift += 7
        if byte < 128 { break }
      }
      let first = end &>> unit &+ (end & (1 &<< unit &- 1) == 0 ? 0 : 1)
      unsafe starts[bin] = (first &+ gap) &<< unit
      unsafe bits[bin] = UInt8(unit)
      unsafe end = starts[bin] &+ 1 &<< unit
    }
    unsafe byteCount = position
  }
}
