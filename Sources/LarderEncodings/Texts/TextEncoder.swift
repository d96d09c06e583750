/// Finds a table for texts, and the codes of each.
@safe package final class TextEncoder {
  /// The table that the codes are of.
  package private(set) var table: SymbolTable
  private var symbols: [TextSymbol] = []
  /// For each two bytes the code of the longest string of at most two that they begin with.
  private let short: UnsafeMutablePointer<UInt16>
  /// For each hash of three bytes the code of a longer string that begins so.
  private let long: UnsafeMutablePointer<UInt16>
  private static let longSlots = 4_096
  private static let none: UInt16 = 511
  private static let rounds = 5

  /// Finds the strings that save most in a sample.
  ///
  /// - Parameter sample: pieces of texts; some 16 KiB are enough.
  package init(sample: [[UInt8]]) {
    unsafe short = .allocate(capacity: 65_536)
    unsafe long = .allocate(capacity: Self.longSlots)
    table = SymbolTable([])
    index()
    for round in 0..<Self.rounds {
      symbols = improved(sample, isLast: round + 1 == Self.rounds)
      table = SymbolTable(symbols)
      index()
    }
  }

  deinit {
    unsafe short.deallocate()
    unsafe long.deallocate()
  }

  /// The slot of a string's, or text's, first three bytes.
  @inline(__always) private static func slot(_ word: UInt64) -> Int {
    let hash = (word & 0xFF_FFFF) &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: hash &>> 52)
  }

  /// Makes what the search for a text's next string needs.
  private func index() {
    unsafe short.update(repeating: Self.none, count: 65_536)
    unsafe long.update(repeating: Self.none, count: Self.longSlots)
    for (code, symbol) in symbols.enumerated() where symbol.count == 1 {
      for second in 0..<256 { unsafe short[Int(symbol.bytes) | second << 8] = UInt16(code) }
    }
    for (code, symbol) in symbols.enumerated() {
      if symbol.count == 2 { unsafe short[Int(symbol.bytes)] = UInt16(code) }
      if symbol.count > 2 { unsafe long[Self.slot(symbol.bytes)] = UInt16(code) }
    }
  }

  /// The code of the longest string found at the start of a text; `none` where there is none.
  @inline(__always) private func code(_ word: UInt64, _ left: Int) -> Int {
    let longer = unsafe Int(long[Self.slot(word)])
    if longer < 255 {
      let count = unsafe Int(table.lengths[longer])
      if count <= left, unsafe (word ^ table.strings[longer]) & TextSymbol.mask(count) == 0 {
        return longer
      }
    }
    let shorter = unsafe Int(short[Int(word & 0xFFFF)])
    if shorter < 255, unsafe Int(table.lengths[shorter]) <= left { return shorter }
    // One byte is left of a text, and a string of two begins with it.
    return Int(Self.none)
  }

  /// The next 8 bytes of a text, zeros past its end.
  @inline(__always) @unsafe private static func word(
    _ text: UnsafeRawPointer, _ left: Int
  ) -> UInt64 {
    if left >= 8 { return unsafe text.loadUnaligned(as: UInt64.self) }
    var word: UInt64 = 0
    for index in 0..<left {
      word |= unsafe UInt64(text.load(fromByteOffset: index, as: UInt8.self)) &<< UInt64(index &* 8)
    }
    return word
  }

  /// Writes the codes of a text.
  ///
  /// - Parameter target: room for twice as many bytes as the text has.
  /// - Returns: how many codes.
  @unsafe package func encode(
    _ text: UnsafeRawBufferPointer, into target: UnsafeMutablePointer<UInt8>
  ) -> Int {
    guard let start = text.baseAddress else { return 0 }
    var position = 0
    var written = 0
    while position < text.count {
      let word = unsafe Self.word(start + position, text.count &- position)
      let code = self.code(word, text.count &- position)
      if code < 255 {
        unsafe target[written] = UInt8(truncatingIfNeeded: code)
        written &+= 1
        position &+= unsafe Int(table.lengths[code])
      } else {
        unsafe target[written] = UInt8(SymbolTable.escape)
        unsafe target[written + 1] = UInt8(truncatingIfNeeded: word)
        written &+= 2
        position &+= 1
      }
    }
    return written
  }

  /// The strings that save most, of the present ones, of bytes, and of any two that met.
  private func improved(_ sample: [[UInt8]], isLast: Bool) -> [TextSymbol] {
    var gains: [TextSymbol: Int] = [:]
    for text in sample {
      var before: TextSymbol?
      var position = 0
      while position < text.count {
        let left = text.count - position
        let word = unsafe text.withUnsafeBytes { bytes in
          guard let start = bytes.baseAddress else { return 0 as UInt64 }
          return unsafe Self.word(start + position, left)
        }
        let code = self.code(word, left)
        let found = code < 255 ? symbols[code] : TextSymbol(bytes: word & 0xFF, count: 1)
        // A byte that has a code saves the escape besides.
        gains[found, default: 0] += found.count == 1 ? 2 : found.count
        if found.count > 1 { gains[TextSymbol(bytes: word & 0xFF, count: 1), default: 0] += 1 }
        if let before, !isLast {
          let both = before.followed(by: found)
          gains[both, default: 0] += both.count
        }
        before = found
        position += found.count
      }
    }
    let ranked = gains.sorted {
      ($1.value * $1.key.count.signum(), $0.key.bytes, $0.key.count)
        < ($0.value * $0.key.count.signum(), $1.key.bytes, $1.key.count)
    }
    var taken = Set<Int>()
    var best: [TextSymbol] = []
    for (symbol, _) in ranked where best.count < SymbolTable.escape {
      // Of strings whose first three bytes share a slot one can be found.
      if symbol.count > 2, !taken.insert(Self.slot(symbol.bytes)).inserted { continue }
      best.append(symbol)
    }
    return best
  }
}
