/// Bits packed one number after the other, least significant first, in whole words of 8 bytes.
package enum Packing {
  /// Bytes of `count` packed numbers of a width.
  @inlinable package static func bytes(_ count: Int, _ width: Int) -> Int {
    ((count &* width &+ 63) &>> 6) &* 8
  }

  /// The width that holds all numbers up to a greatest one: 0 to 57, or 64.
  ///
  /// A number of more than 57 bits may straddle nine bytes, and one load reads eight.
  @inlinable package static func width(of greatest: UInt64) -> Int {
    let bits = 64 - greatest.leadingZeroBitCount
    return bits > 57 ? 64 : bits
  }

  /// Packs numbers, each below 2^width, less a base.
  ///
  /// - Parameters:
  ///   - lanes: `count` lanes, none less than `base`.
  ///   - target: room for `bytes(count, width)`.
  @unsafe package static func pack(
    _ lanes: UnsafePointer<Int64>, _ count: Int, base: Int64, width: Int,
    into target: UnsafeMutableRawPointer
  ) {
    if width == 0 { return }
    if width == 64 {
      for i in 0..<count {
        unsafe target.storeBytes(of: lanes[i] &- base, toByteOffset: i &* 8, as: Int64.self)
      }
      return
    }
    var word: UInt64 = 0
    var filled = 0
    var offset = 0
    let shift = UInt64(width)
    for i in 0..<count {
      let number = unsafe UInt64(bitPattern: lanes[i] &- base)
      word |= number &<< UInt64(filled)
      filled &+= width
      if filled >= 64 {
        unsafe target.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
        offset &+= 8
        filled &-= 64
        // Below 64 bits of width, the shift is by less than 64 even where nothing is left over.
        word = filled == 0 ? 0 : number &>> (shift &- UInt64(filled))
      }
    }
    if filled > 0 { unsafe target.storeBytes(of: word, toByteOffset: offset, as: UInt64.self) }
  }

  /// Unpacks numbers and adds a base.
  ///
  /// - Parameters:
  ///   - source: the packed bytes; 8 more can be read.
  ///   - target: room for `count` lanes.
  @unsafe package static func unpack(
    _ source: UnsafeRawPointer, _ count: Int, base: Int64, width: Int,
    into target: UnsafeMutablePointer<Int64>
  ) {
    let mask = laneMask(width)
    var bit = 0
    for i in 0..<count {
      let word = unsafe (source + bit &>> 3).loadUnaligned(as: UInt64.self) &>> UInt64(bit & 7)
      unsafe target[i] = base &+ Int64(bitPattern: word & mask)
      bit &+= width
    }
  }
}
