/// Base64 with the standard alphabet and padding (RFC 4648, section 4): bytes as texts and JSON have them.
package enum Base64 {
  /// The digits, by their value.
  package static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// Appends the text that stands for bytes.
  package static func encode(_ bytes: Span<UInt8>, into text: inout [UInt8]) {
    var at = 0
    while at < bytes.count {
      let rest = bytes.count - at
      let a = UInt32(bytes[at])
      let b = rest > 1 ? UInt32(bytes[at + 1]) : 0
      let c = rest > 2 ? UInt32(bytes[at + 2]) : 0
      let word = a << 16 | b << 8 | c
      text.append(alphabet[Int(word >> 18)])
      text.append(alphabet[Int(word >> 12 & 63)])
      text.append(rest > 1 ? alphabet[Int(word >> 6 & 63)] : UInt8(ascii: "="))
      text.append(rest > 2 ? alphabet[Int(word & 63)] : UInt8(ascii: "="))
      at += 3
    }
  }
}
