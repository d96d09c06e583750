/// Changes to the bytes of a valid file, as a fuzzer's input says them.
enum Edits {
  /// Changes bytes until the input ends, at most 48 times.
  ///
  /// - Parameter resizes: whether the file may become shorter or longer.
  static func apply(
    _ input: inout FuzzInput, to bytes: inout [UInt8], resizes: Bool = false
  ) {
    var left = 48
    // What writers fill ahead with zeros says nothing: changes go where something is.
    let used = Swift.max(1, (bytes.lastIndex { $0 != 0 } ?? 0) + 1)
    while !input.isAtEnd, left > 0, !bytes.isEmpty {
      left -= 1
      let choice = input.byte()
      let at = place(choice >> 4, &input, used: min(used, bytes.count))
      change(choice & 15, at: at, &bytes, &input, resizes: resizes)
    }
  }

  /// The start and the end of a file hold what leads to the rest.
  private static func place(_ region: UInt8, _ input: inout FuzzInput, used: Int) -> Int {
    switch region & 3 {
    case 0: input.number(3) % used
    case 1: input.number(2) % min(used, 4_096)
    case 2: used - 1 - input.number(2) % min(used, 4_096)
    default: input.number(3) % used & ~7
    }
  }

  private static func change(
    _ kind: UInt8, at: Int, _ bytes: inout [UInt8], _ input: inout FuzzInput, resizes: Bool
  ) {
    switch kind {
    case 0, 8: bytes[at] = input.byte()
    case 1: bytes[at] ^= 1 << (input.byte() & 7)
    case 2: bytes.store(UInt32(truncatingIfNeeded: input.edge()), at: at)
    case 3: bytes.store(input.edge(), at: at)
    case 4:
      let from = input.number(3) % bytes.count
      let count = min(Int(input.byte()), bytes.count - Swift.max(from, at))
      for index in 0..<count { bytes[at + index] = bytes[from + index] }
    case 5:
      for index in at..<min(bytes.count, at + Int(input.byte())) { bytes[index] = 0 }
    case 6:
      let step = UInt32(truncatingIfNeeded: Int(Int8(bitPattern: input.byte())))
      bytes.store((bytes.load(at, as: UInt32.self) ?? 0) &+ step, at: at)
    case 7:
      let step = UInt64(bitPattern: Int64(Int8(bitPattern: input.byte())))
      bytes.store((bytes.load(at, as: UInt64.self) ?? 0) &+ step, at: at)
    case 9: bytes[at] &+= 1
    case 10: bytes[at] &-= 1
    case 11: bytes.store(UInt16(truncatingIfNeeded: input.edge()), at: at)
    case 12 where resizes: bytes.removeSubrange(at...)
    case 13 where resizes:
      bytes.removeSubrange(at..<min(bytes.count, at + 1 + Int(input.byte())))
    case 14 where resizes:
      bytes.insert(
        contentsOf: [UInt8](repeating: input.byte(), count: 1 + Int(input.byte() & 63)), at: at)
    default: bytes[at] = ~bytes[at]
    }
  }
}
