import Glibc

/// Up to 255 strings of 1 to 8 bytes, each of which a code of one byte stands for: texts that hardly
/// repeat as a whole, but in parts, take a third, and any of them can be read alone.
///
/// FSST (Boncz, Neumann and Leis, PVLDB 13, 2020). Code 255 means that the next byte is itself.
@safe package final class SymbolTable: @unchecked Sendable {
  /// The code in front of a byte that no string begins with.
  package static let escape = 255
  /// Bytes of a table in a file: u64[256] strings, padded with zeros, then u8[256] lengths.
  package static let byteCount = 2_304

  /// For each code its string, first byte lowest.
  let strings: UnsafeMutablePointer<UInt64>
  /// For each code how many bytes it stands for: 0 where there is no string.
  let lengths: UnsafeMutablePointer<UInt8>
  private let table: UnsafeMutableRawPointer

  private init() {
    unsafe table = .allocate(byteCount: Self.byteCount, alignment: 64)
    unsafe memset(table, 0, Self.byteCount)
    unsafe strings = table.assumingMemoryBound(to: UInt64.self)
    unsafe lengths = (table + 2_048).assumingMemoryBound(to: UInt8.self)
  }

  deinit { unsafe table.deallocate() }

  /// A table of some strings: at most 255, of 1 to 8 bytes.
  convenience init(_ symbols: [TextSymbol]) {
    self.init()
    for (code, symbol) in symbols.prefix(Self.escape).enumerated() {
      unsafe strings[code] = symbol.bytes
      unsafe lengths[code] = UInt8(symbol.count)
    }
  }

  /// Reads a table of a file; nil if it is impossible.
  package convenience init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= Self.byteCount, let start = bytes.baseAddress else { return nil }
    self.init()
    unsafe memcpy(table, start, Self.byteCount)
    let lengths = unsafe lengths
    guard (0..<255).allSatisfy({ unsafe lengths[$0] <= 8 }), unsafe lengths[255] == 0 else {
      return nil
    }
  }

  /// The table as it lies in a file.
  package var bytes: UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: table, count: Self.byteCount)
  }

  /// How many bytes some codes stand for.
  @unsafe package func length(of codes: UnsafeRawBufferPointer) -> Int {
    let lengths = unsafe lengths
    var total = 0
    var index = 0
    while index < codes.count {
      let code = unsafe Int(codes[index])
      index &+= 1
      if code == Self.escape {
        // One that ends the codes, which only damage does, stands for nothing.
        total &+= index < codes.count ? 1 : 0
        index &+= 1
      } else {
        total &+= unsafe Int(lengths[code])
      }
    }
    return total
  }

  /// How many bytes so many codes may stand for.
  package static func most(of codes: Int) -> Int { codes * 8 }

  /// Writes what some codes stand for.
  ///
  /// The codes of several texts may be read as one. In a damaged file a text may end with an escape,
  /// which takes the next one's first code with it: then it is other bytes, but not more of them.
  ///
  /// - Parameters:
  ///   - target: room for `count` bytes and 8 more.
  ///   - count: how many bytes are wanted: the sum of the texts' `length(of:)`; where the text is
  ///     one, `most(of:)` its codes is enough.
  /// - Returns: how many bytes the codes stand for.
  @discardableResult
  @unsafe package func decode(
    _ codes: UnsafeRawBufferPointer, into target: UnsafeMutableRawPointer, count: Int
  ) -> Int {
    let (strings, lengths) = unsafe (strings, lengths)
    var place = unsafe target
    let end = unsafe target + count
    var index = 0
    while index < codes.count, unsafe place < end {
      let code = unsafe Int(codes[index])
      index &+= 1
      if code != Self.escape {
        unsafe place.storeBytes(of: strings[code], as: UInt64.self)
        unsafe place += Int(lengths[code])
      } else if index < codes.count {
        unsafe place.storeBytes(of: codes[index], as: UInt8.self)
        unsafe place += 1
        index &+= 1
      }
    }
    return unsafe place - target
  }
}

/// A string of 1 to 8 bytes.
struct TextSymbol: Hashable {
  /// First byte lowest, zeros above.
  var bytes: UInt64
  var count: Int

  /// Two strings, one after the other, as far as 8 bytes reach.
  func followed(by other: TextSymbol) -> TextSymbol {
    if count == 8 { return self }
    let total = min(8, count + other.count)
    let both = bytes | other.bytes << UInt64(count * 8)
    return TextSymbol(bytes: both & Self.mask(total), count: total)
  }

  /// The low bytes.
  static func mask(_ count: Int) -> UInt64 { count >= 8 ? .max : 1 << UInt64(count * 8) - 1 }
}
