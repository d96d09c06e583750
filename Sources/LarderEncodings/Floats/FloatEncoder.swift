import CLarderKernels

/// Encodes vectors of floats: as decimals, as binary32 in binary64, or by their bits.
///
/// Decimals are ALP's idea (Afroozeh, Kuffo and Boncz, SIGMOD 2024): most floats that people store
/// are integers divided by a power of ten. Here a division gives the value back, which is correctly
/// rounded, so that more values are exact than with a product by an inexact 10^-e.
@safe package final class FloatEncoder {
  /// Whether the values are binary32.
  private let isSingle: Bool
  private let integers: UnsafeMutablePointer<Int64>
  private let exact: UnsafeMutablePointer<UInt8>
  private let exceptions: UnsafeMutablePointer<UInt16>
  private let floats: UnsafeMutablePointer<Float>

  /// Makes an encoder with room for one vector.
  package init(isSingle: Bool) {
    self.isSingle = isSingle
    unsafe integers = .allocate(capacity: 1_024)
    unsafe exact = .allocate(capacity: 1_024)
    unsafe exceptions = .allocate(capacity: 1_024)
    unsafe floats = .allocate(capacity: 1_024)
  }

  deinit {
    unsafe integers.deallocate()
    unsafe exact.deallocate()
    unsafe exceptions.deallocate()
    unsafe floats.deallocate()
  }

  /// The greatest exponent tried: 10^15 needs all the bits that a double has.
  package static let greatestExponent = 15

  /// The exponent that makes a page's values smallest as decimals; nil where none does.
  ///
  /// - Parameters:
  ///   - bits: the page's values, as they lie in lanes.
  ///   - count: how many; up to 8 contiguous runs of 64 are looked at.
  @unsafe package func exponent(_ bits: UnsafePointer<Int64>, _ count: Int) -> Int? {
    let runs = min(8, (count + 63) / 64)
    let stride = max(64, count / runs / 64 * 64)
    var best: (exponent: Int, cost: Int)?
    let plain = (isSingle ? 32 : 64) * 58
    for exponent in 0...Self.greatestExponent {
      var least = Int64.max
      var greatest = Int64.min
      var failures = 0
      var seen = 0
      for run in 0..<runs {
        let start = run * stride
        let length = min(64, count - start)
        if length <= 0 { continue }
        let exacts = unsafe convert(bits + start, length, exponent)
        failures += length - exacts
        seen += length
        for index in 0..<length where unsafe exact[index] == 1 {
          unsafe least = min(least, integers[index])
          unsafe greatest = max(greatest, integers[index])
        }
      }
      if failures * 2 > seen { continue }
      let width = Packing.width(of: UInt64(bitPattern: greatest &- least))
      let cost = (seen * width + failures * 80) * 64 / seen
      if cost < best?.cost ?? plain { best = (exponent, cost) }
      if failures == 0 { break }
    }
    return best?.exponent
  }

  /// Appends a vector of floats in the smallest of the forms that keep every bit.
  ///
  /// - Parameters:
  ///   - bits: the values as they lie in lanes.
  ///   - exponent: of the page's decimals.
  @unsafe package func append(
    _ bits: UnsafePointer<Int64>, _ count: Int, exponent: Int?, restarts: UnsafePointer<UInt64>?,
    options: LaneOptions, to encoder: inout VectorEncoder
  ) {
    let plain = unsafe VectorInput(lanes: bits, count: count, restarts: restarts)
    if let exponent {
      let exacts = unsafe convert(bits, count, exponent)
      if exacts * 4 >= count * 3 {
        let input = unsafe decimals(bits, count, exponent, restarts)
        let plan = unsafe VectorPlan.choose(input, options)
        if plan.bytes < count * (isSingle ? 4 : 8) * 9 / 10 {
          // Repeated values may be runs of bits as well, which need no division.
          unsafe encoder.append(input, plan)
          return
        }
      }
    }
    let plan = unsafe VectorPlan.choose(plain, options)
    if !isSingle, plan.bytes > count * 5, unsafe areSingles(bits, count) {
      let lanes = unsafe UnsafePointer(integers)
      let input = unsafe VectorInput(
        lanes: lanes, count: count, flags: .single, bits: bits, restarts: restarts)
      unsafe encoder.append(input)
      return
    }
    unsafe encoder.append(plain, plan)
  }

  /// Turns a page of floats into lanes: decimals, binary32 in binary64, or their bits.
  ///
  /// - Parameters:
  ///   - bits: the values as they lie in lanes.
  ///   - exponent: of the page's decimals; nil where there are none.
  ///   - lanes: gets `count` lanes.
  /// - Returns: what the lanes are.
  @unsafe package func form(
    _ bits: UnsafePointer<Int64>, _ count: Int, exponent: Int?,
    into lanes: UnsafeMutablePointer<Int64>
  ) -> EntropyPage.Form {
    if let exponent,
      let found = unsafe decimalExceptions(bits, count, exponent, into: lanes)
    {
      return EntropyPage.Form(
        flags: .decimal, exponent: exponent, isSingle: isSingle, exceptions: found)
    }
    var areSingles = !isSingle
    for start in stride(from: 0, to: count, by: 1_024) where areSingles {
      let length = min(1_024, count - start)
      areSingles = unsafe self.areSingles(bits + start, length)
      if areSingles { unsafe (lanes + start).update(from: integers, count: length) }
    }
    if areSingles { return EntropyPage.Form(flags: .single) }
    unsafe lanes.update(from: bits, count: count)
    return EntropyPage.Form(isSingle: isSingle)
  }

  /// Writes a page's decimals and returns the positions of what is none; nil if they are many.
  @unsafe private func decimalExceptions(
    _ bits: UnsafePointer<Int64>, _ count: Int, _ exponent: Int,
    into lanes: UnsafeMutablePointer<Int64>
  ) -> [UInt16]? {
    var found: [UInt16] = []
    var before: Int64 = 0
    for start in stride(from: 0, to: count, by: 1_024) {
      let length = min(1_024, count - start)
      _ = unsafe convert(bits + start, length, exponent)
      for index in 0..<length {
        if unsafe exact[index] == 1 {
          before = unsafe integers[index]
        } else {
          found.append(UInt16(truncatingIfNeeded: start + index))
        }
        unsafe lanes[start + index] = before
      }
      if found.count * 32 > count { return nil }
    }
    return found
  }

  /// Gathers exceptions and gives their lanes the lane before, so that they cost nothing.
  @unsafe private func decimals(
    _ bits: UnsafePointer<Int64>, _ count: Int, _ exponent: Int, _ restarts: UnsafePointer<UInt64>?
  ) -> VectorInput {
    var found = 0
    var before: Int64 = 0
    for index in 0..<count where unsafe exact[index] == 1 {
      unsafe before = integers[index]
      break
    }
    for index in 0..<count {
      if unsafe exact[index] == 1 {
        unsafe before = integers[index]
      } else {
        unsafe integers[index] = before
        unsafe exceptions[found] = UInt16(index)
        found += 1
      }
    }
    return unsafe VectorInput(
      lanes: UnsafePointer(integers), count: count, flags: .decimal, exponent: exponent,
      bits: bits, exceptions: UnsafeBufferPointer(start: exceptions, count: found),
      restarts: restarts)
  }

  /// Converts values to integers and says how many give their value back.
  @unsafe private func convert(
    _ bits: UnsafePointer<Int64>, _ count: Int, _ exponent: Int
  ) -> Int {
    let power = powerOfTen(exponent)
    if isSingle {
      for index in 0..<count {
        unsafe floats[index] = Float(bitPattern: UInt32(truncatingIfNeeded: bits[index]))
      }
      return unsafe larder_to_decimals32(floats, count, power, integers, exact)
    }
    return unsafe UnsafeRawPointer(bits).withMemoryRebound(to: Double.self, capacity: count) {
      unsafe larder_to_decimals64($0, count, power, integers, exact)
    }
  }

  /// Whether all doubles are exactly floats; the floats' bits are then in `integers`.
  @unsafe private func areSingles(_ bits: UnsafePointer<Int64>, _ count: Int) -> Bool {
    for index in 0..<count {
      let value = unsafe UInt64(bitPattern: bits[index])
      let single = Float(Double(bitPattern: value))
      if Double(single).bitPattern != value { return false }
      unsafe integers[index] = Int64(single.bitPattern)
    }
    return true
  }
}
