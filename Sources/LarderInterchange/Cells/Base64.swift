import LarderColumns

/// Read strictly: unused bits are zero, so that one value has one spelling.
extension Base64 {
  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 0xFF, count: 256)
    for (index, byte) in alphabet.enumerated() { values[Int(byte)] = UInt8(index) }
    return values
  }()

  /// Appends the bytes that a text stands for.
  static func decode(_ text: Span<UInt8>, into bytes: inout [UInt8]) throws(CellFlaw) {
    guard text.count % 4 == 0 else { throw .notOfType }
    if text.count == 0 { return }
    var padding = 0
    if text[text.count - 1] == UInt8(ascii: "=") { padding = 1 }
    if padding == 1, text[text.count - 2] == UInt8(ascii: "=") { padding = 2 }
    let digits = text.count - padding
    var word: UInt32 = 0
    for index in 0..<digits {
      let value = values[Int(text[index])]
      guard value < 64 else { throw .notOfType }
      word = word << 6 | UInt32(value)
      if index & 3 == 3 {
        bytes.append(UInt8(truncatingIfNeeded: word >> 16))
        bytes.append(UInt8(truncatingIfNeeded: word >> 8))
        bytes.append(UInt8(truncatingIfNeeded: word))
        word = 0
      }
    }
    switch padding {
    case 1:
      guard word & 3 == 0 else { throw .notOfType }
      bytes.append(UInt8(truncatingIfNeeded: word >> 10))
      bytes.append(UInt8(truncatingIfNeeded: word >> 2))
    case 2:
      guard word & 15 == 0 else { throw .notOfType }
      bytes.append(UInt8(truncatingIfNeeded: word >> 4))
    default: break
    }
  }
}
