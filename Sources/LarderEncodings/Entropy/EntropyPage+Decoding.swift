import Glibc

extension EntropyPage {
  /// Unpacks a page into its vectors.
  ///
  /// - Parameters:
  ///   - bytes: the page; 8 more can be read.
  ///   - count: its lanes.
  ///   - headers: of its vectors: each body lies within the image, of codec 0 without patches.
  ///   - image: what the headers' offsets count from.
  /// - Returns: whether the page could be what the headers say.
  /// - Complexity: O(count), some nanoseconds each.
  @unsafe package static func decode(
    _ bytes: UnsafeRawBufferPointer, _ count: Int, headers: UnsafePointer<VectorHeader>,
    into image: UnsafeMutableRawPointer
  ) -> Bool {
    unsafe withUnsafeTemporaryAllocation(byteCount: Scratch.bytes, alignment: 64) { scratch in
      guard let base = scratch.baseAddress,
        var decoder = unsafe PageDecoder(bytes, count, Scratch(base))
      else { return false }
      for vector in 0..<((count + 1_023) >> 10) {
        let header = unsafe headers[vector]
        guard header.kind.isSubset(of: [.decimal, .single]), header.extraCount == 0,
          unsafe decoder.decode(header, into: image + Int(header.offset) << 3)
        else { return false }
      }
      return unsafe decoder.isAtEnd
    }
  }
}

/// Memory to unpack a page with.
@unsafe private struct Scratch {
  let table: UnsafeMutablePointer<UInt32>
  let starts: UnsafeMutablePointer<UInt64>
  let lanes: UnsafeMutablePointer<Int64>
  let bits: UnsafeMutablePointer<UInt8>
  let symbols: UnsafeMutablePointer<UInt8>

  static let bytes = 4_096 * 4 + 256 * 8 + 1_024 * 8 + 256 + 1_024

  init(_ base: UnsafeMutableRawPointer) {
    unsafe table = base.assumingMemoryBound(to: UInt32.self)
    unsafe starts = (base + 16_384).assumingMemoryBound(to: UInt64.self)
    unsafe lanes = (base + 18_432).assumingMemoryBound(to: Int64.self)
    unsafe bits = (base + 26_624).assumingMemoryBound(to: UInt8.self)
    unsafe symbols = (base + 26_880).assumingMemoryBound(to: UInt8.self)
  }
}

/// Unpacks a page vector by vector.
@unsafe private struct PageDecoder {
  private let scratch: Scratch
  private let transform: EntropyPage.Transform
  private let form: EntropyPage.Form
  private let count: Int
  private let least: Int64
  private var symbols: SymbolDecoder
  /// The bits below the bins' starts, their number, and how many were read.
  private let below: UnsafeRawPointer
  private let belowBits: Int
  private var bit = 0
  private let values: UnsafeRawPointer
  private var row = 0
  private var before: Int64 = 0
  private var exception = 0

  init?(_ bytes: UnsafeRawBufferPointer, _ count: Int, _ scratch: Scratch) {
    let prefix = EntropyPage.prefixBytes
    guard let start = bytes.baseAddress, bytes.count > prefix,
      let transform = unsafe EntropyPage.Transform(rawValue: bytes[0]), unsafe bytes[2] <= 22
    else { return nil }
    unsafe self.scratch = scratch
    unsafe self.transform = transform
    unsafe self.count = count
    unsafe least = (start + 8).loadUnaligned(as: Int64.self)
    let binCount = unsafe Int((start + 4).loadUnaligned(as: UInt16.self))
    let exceptions = unsafe Int((start + 6).loadUnaligned(as: UInt16.self))
    guard binCount >= 1, binCount <= 256,
      let bins = unsafe StoredBins(
        UnsafeRawBufferPointer(rebasing: bytes[prefix...]), count: binCount,
        starts: scratch.starts, bits: scratch.bits)
    else { return nil }
    var position = unsafe prefix + bins.byteCount
    guard
      let symbols = unsafe SymbolDecoder(
        UnsafeRawBufferPointer(rebasing: bytes[position...]), table: scratch.table)
    else { return nil }
    unsafe self.symbols = symbols
    unsafe position += symbols.byteCount
    guard bytes.count - position >= 4 else { return nil }
    let words = unsafe Int((start + position).loadUnaligned(as: UInt32.self))
    position += 4
    guard words <= (bytes.count - position) / 8 else { return nil }
    unsafe below = start + position
    unsafe belowBits = words * 64
    position += words * 8
    guard exceptions * 10 <= bytes.count - position else { return nil }
    let positions = (0..<exceptions).map { index in
      unsafe (start + position + index * 2).loadUnaligned(as: UInt16.self)
    }
    unsafe values = start + position + exceptions * 2
    unsafe form = EntropyPage.Form(
      flags: VectorKind(rawValue: bytes[1]), exponent: Int(bytes[2]), isSingle: bytes[3] == 1,
      exceptions: positions)
  }

  /// Whether everything was read.
  var isAtEnd: Bool {
    unsafe symbols.isAtEnd && bit <= belowBits && belowBits - bit < 64
      && exception == form.exceptions.count
  }

  /// Unpacks the next vector.
  mutating func decode(_ header: VectorHeader, into target: UnsafeMutableRawPointer) -> Bool {
    let inVector = unsafe min(1_024, count - row)
    let blocks = (inVector + 63) >> 6
    let coded = unsafe transform == .fenced ? inVector - blocks : inVector
    unsafe symbols.read(coded, into: scratch.symbols)
    guard unsafe readNumbers(coded) else { return false }
    switch unsafe transform {
    case .values: break
    case .deltas:
      var sum = unsafe before
      for index in 0..<inVector {
        unsafe sum = sum &+ scratch.lanes[index]
        unsafe scratch.lanes[index] = sum
      }
      unsafe before = sum
    case .fenced: unsafe spreadBlocks(inVector)
    }
    let first = unsafe exception
    while unsafe exception < form.exceptions.count,
      unsafe Int(form.exceptions[exception]) < row + inVector
    {
      unsafe exception += 1
    }
    if unsafe exception > first || header.kind != form.flags {
      guard header.kind.isEmpty, header.width == 64 else { return false }
      unsafe turnToBits(inVector, first)
    }
    unsafe row += inVector
    var outside: UInt64 = 0
    for index in 0..<inVector {
      outside |= unsafe UInt64(bitPattern: scratch.lanes[index] &- header.base)
    }
    guard outside & ~laneMask(Int(header.width)) == 0, header.width != 64 || header.base == 0
    else { return false }
    unsafe Packing.pack(
      scratch.lanes, inVector, base: header.base, width: Int(header.width), into: target)
    return true
  }

  /// Puts the bits below to the bins of some symbols; the numbers lie in `lanes` then.
  private mutating func readNumbers(_ coded: Int) -> Bool {
    let starts = unsafe scratch.starts
    let bits = unsafe scratch.bits
    let symbols = unsafe scratch.symbols
    let lanes = unsafe scratch.lanes
    let below = unsafe self.below
    let last = unsafe max(0, belowBits >> 3)
    var bit = unsafe self.bit
    let least = unsafe self.least
    for index in 0..<coded {
      let symbol = unsafe Int(symbols[index])
      let width = unsafe UInt64(bits[symbol])
      // Past the end there is nothing that counts, and it is noticed below.
      let word = unsafe (below + min(bit &>> 3, last)).loadUnaligned(as: UInt64.self)
      let number = word &>> UInt64(bit & 7) & (1 &<< width &- 1)
      unsafe lanes[index] = least &+ Int64(bitPattern: starts[symbol] &+ number)
      bit &+= Int(width)
    }
    unsafe self.bit = bit
    return unsafe bit <= belowBits
  }

  /// Sums differences within blocks of 64 whose first lanes, which are 0, were not kept.
  private func spreadBlocks(_ inVector: Int) {
    let lanes = unsafe scratch.lanes
    // From the last block on: each moves up by the number of blocks that end before it.
    for block in stride(from: (inVector + 63) >> 6 - 1, through: 0, by: -1) {
      let start = block * 64
      let length = min(64, inVector - start)
      unsafe memmove(lanes + start + 1, lanes + start - block, (length - 1) * 8)
      unsafe lanes[start] = 0
      for index in 1..<max(1, length) {
        unsafe lanes[start + index] = lanes[start + index] &+ lanes[start + index - 1]
      }
    }
  }

  /// Turns lanes into the bits of their values, with the exceptions from one on.
  private func turnToBits(_ inVector: Int, _ first: Int) {
    let lanes = unsafe scratch.lanes
    if unsafe form.flags.contains(.decimal) {
      let power = unsafe powerOfTen(form.exponent)
      for index in 0..<inVector {
        let value = unsafe Double(lanes[index]) / power
        let bits = unsafe form.isSingle ? UInt64(Float(value).bitPattern) : value.bitPattern
        unsafe lanes[index] = Int64(bitPattern: bits)
      }
    }
    for index in unsafe first..<exception {
      let position = unsafe Int(form.exceptions[index]) - row
      guard position >= 0 else { continue }
      unsafe lanes[position] = (values + index * 8).loadUnaligned(as: Int64.self)
    }
  }
}
