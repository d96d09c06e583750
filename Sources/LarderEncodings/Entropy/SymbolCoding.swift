/// Symbols of 8 bits in as many bits as their frequencies ask for: rANS (Duda, arXiv:1311.2540), four
/// states interleaved over one stream of 16-bit words (Giesen, arXiv:1402.3392).
///
/// A model, {u8 distinct symbols - 1, then for each {u8 symbol, u16 frequency of 4,096}}; then, if
/// there are two and more, u32[4] states, u32 count of words, u16 words. A symbol that is alone takes
/// no bits and its frequency is 0.
package enum SymbolCoding {
  /// Frequencies add up to 2^12.
  @usableFromInline static let precision: UInt32 = 12
  static let total = 4_096
  /// A state lies in 2^16 ..< 2^32 between symbols.
  static let leastState: UInt32 = 1 << 16

  /// Appends the model and the words of symbols.
  ///
  /// - Parameters:
  ///   - symbols: `count` of them, at least 1.
  ///   - sink: gets the bytes, not padded.
  @unsafe package static func encode(
    _ symbols: UnsafePointer<UInt8>, _ count: Int, into sink: ByteSink
  ) {
    var counts = [Int](repeating: 0, count: 256)
    for index in 0..<count { unsafe counts[Int(symbols[index])] += 1 }
    let frequencies = normalized(counts, count)
    let distinct = counts.indices.filter { counts[$0] > 0 }
    sink.append([UInt8(truncatingIfNeeded: distinct.count - 1)])
    for symbol in distinct {
      let frequency = distinct.count == 1 ? 0 : frequencies[symbol]
      let (low, high) = (UInt8(frequency & 0xFF), UInt8(frequency >> 8))
      sink.append([UInt8(symbol), low, high])
    }
    if distinct.count == 1 { return }
    var starts = [UInt32](repeating: 0, count: 257)
    for symbol in 0..<256 { starts[symbol + 1] = starts[symbol] + frequencies[symbol] }
    var states = [UInt32](repeating: leastState, count: 4)
    var words: [UInt16] = []
    words.reserveCapacity(count / 2)
    for index in stride(from: count - 1, through: 0, by: -1) {
      let symbol = unsafe Int(symbols[index])
      let frequency = frequencies[symbol]
      var state = states[index & 3]
      if UInt64(state) >= UInt64(frequency) << 20 {
        words.append(UInt16(truncatingIfNeeded: state))
        state >>= 16
      }
      states[index & 3] =
        (state / frequency) << precision + state % frequency + starts[symbol]
    }
    sink.append(states)
    sink.append([UInt32(words.count)])
    sink.append(Array(words.reversed()))
  }

  /// Frequencies that add up to 4,096, none of a symbol that occurs 0.
  private static func normalized(_ counts: [Int], _ count: Int) -> [UInt32] {
    var frequencies = [UInt32](repeating: 0, count: 256)
    var left = total
    for symbol in 0..<256 where counts[symbol] > 0 {
      frequencies[symbol] = UInt32(max(1, counts[symbol] * total / count))
      left -= Int(frequencies[symbol])
    }
    // What rounding left over goes to, or comes from, where it changes the least.
    while left != 0 {
      let step: UInt32 = 1
      var best = -1
      var bestGain = -Double.infinity
      for symbol in 0..<256 where counts[symbol] > 0 {
        let frequency = Double(frequencies[symbol])
        if left < 0, frequencies[symbol] == 1 { continue }
        let gain = Double(counts[symbol]) / (left > 0 ? frequency : -(frequency - 0.5))
        if gain > bestGain {
          bestGain = gain
          best = symbol
        }
      }
      if best < 0 { break }
      frequencies[best] = left > 0 ? frequencies[best] + step : frequencies[best] - step
      left += left > 0 ? -1 : 1
    }
    return frequencies
  }
}

/// Reads symbols in the order in which they were given to `SymbolCoding.encode`.
///
/// Of bytes that nobody wrote so it gives symbols of the model and never reads beyond their end.
@unsafe package struct SymbolDecoder {
  /// For each of 4,096 slots its symbol, frequency << 8 and, << 20, place within its symbol's.
  private let table: UnsafeMutablePointer<UInt32>
  private var states: (UInt32, UInt32, UInt32, UInt32)
  private var next: UnsafeRawPointer
  private let end: UnsafeRawPointer
  /// Where the words end, from the first byte of the model.
  package let byteCount: Int
  /// The symbol, where there is only one.
  private let only: UInt8?
  /// The greatest symbol of the model.
  package let greatest: UInt8

  /// Room for `table`.
  package static let tableEntries = 4_096

  /// Reads the model; nil if it is impossible.
  ///
  /// - Parameters:
  ///   - bytes: begin with the model.
  ///   - table: room for `tableEntries`, in use as long as the decoder.
  package init?(_ bytes: UnsafeRawBufferPointer, table: UnsafeMutablePointer<UInt32>) {
    guard let start = bytes.baseAddress, bytes.count >= 4 else { return nil }
    unsafe self.table = table
    let distinct = unsafe Int(bytes[0]) + 1
    var position = 1 + distinct * 3
    guard position <= bytes.count else { return nil }
    unsafe greatest = (0..<distinct).map { unsafe bytes[1 + $0 * 3] }.max() ?? 0
    if distinct == 1 {
      unsafe states = (0, 0, 0, 0)
      unsafe next = start
      unsafe end = start
      unsafe only = bytes[1]
      unsafe byteCount = position
      return
    }
    unsafe only = nil
    var slot = 0
    for entry in 0..<distinct {
      let at = 1 + entry * 3
      let frequency = unsafe Int(bytes[at + 1]) | Int(bytes[at + 2]) << 8
      guard frequency > 0, slot + frequency <= SymbolCoding.total, frequency < 4_096 else {
        return nil
      }
      let symbol = unsafe UInt32(bytes[at])
      for place in 0..<frequency {
        unsafe table[slot + place] = symbol | UInt32(frequency) << 8 | UInt32(place) << 20
      }
      slot += frequency
    }
    guard slot == SymbolCoding.total, bytes.count >= position + 20 else { return nil }
    func word(_ index: Int) -> UInt32 {
      unsafe (start + position + index * 4).loadUnaligned(as: UInt32.self)
    }
    unsafe states = (word(0), word(1), word(2), word(3))
    let words = Int(word(4))
    position += 20
    guard words <= (bytes.count - position) / 2 else { return nil }
    unsafe next = start + position
    unsafe end = start + position + words * 2
    unsafe byteCount = position + words * 2
  }

  /// Decodes some symbols; all but the last time, a multiple of four.
  package mutating func read(_ count: Int, into target: UnsafeMutablePointer<UInt8>) {
    if let only = unsafe only {
      for index in 0..<count { unsafe target[index] = only }
      return
    }
    var (a, b, c, d) = unsafe states
    var position = unsafe next
    var index = 0
    while index + 4 <= count {
      unsafe target[index] = step(&a, &position)
      unsafe target[index + 1] = step(&b, &position)
      unsafe target[index + 2] = step(&c, &position)
      unsafe target[index + 3] = step(&d, &position)
      index += 4
    }
    if index < count { unsafe target[index] = step(&a, &position) }
    if index + 1 < count { unsafe target[index + 1] = step(&b, &position) }
    if index + 2 < count { unsafe target[index + 2] = step(&c, &position) }
    unsafe states = (a, b, c, d)
    unsafe next = position
  }

  /// Whether all words were read and the states are those that the encoder began with.
  package var isAtEnd: Bool {
    if unsafe only != nil { return true }
    let least = SymbolCoding.leastState
    return unsafe next == end && states.0 == least && states.1 == least && states.2 == least
      && states.3 == least
  }

  @inline(__always) private func step(
    _ state: inout UInt32, _ position: inout UnsafeRawPointer
  ) -> UInt8 {
    let entry = unsafe table[Int(state & 4_095)]
    state = (entry &>> 8 & 4_095) &* (state &>> SymbolCoding.precision) &+ entry &>> 20
    if state < SymbolCoding.leastState, unsafe position < end {
      state = unsafe state &<< 16 | UInt32(position.loadUnaligned(as: UInt16.self))
      unsafe position += 2
    }
    return UInt8(truncatingIfNeeded: entry)
  }
}
