import CLarder
import LarderColumns

/// Runs the body of a function of the interface and turns its failure into a code and an error
/// struct.
func run(
  _ error: UnsafeMutablePointer<larder_error>?, _ body: () throws(LarderError) -> Void
) -> Int32 {
  do throws(LarderError) {
    try body()
    return 0
  } catch let failure {
    if let error = unsafe error { unsafe fill(error, failure) }
    return failure.code.rawValue
  }
}

/// Fills a caller's error struct.
private func fill(_ target: UnsafeMutablePointer<larder_error>, _ error: LarderError) {
  let base = UnsafeMutableRawPointer(target)
  unsafe base.storeBytes(of: error.code.rawValue, as: Int32.self)
  unsafe base.storeBytes(
    of: Int64(error.row ?? -1), toByteOffset: ErrorLayout.row, as: Int64.self)
  unsafe write(error.column ?? "", to: base + ErrorLayout.column, room: ErrorLayout.columnBytes)
  unsafe write(error.description, to: base + ErrorLayout.message, room: ErrorLayout.messageBytes)
}

/// Where the members of `larder_error` lie; larder.c holds the header to it.
private enum ErrorLayout {
  static let row = 8
  static let column = 16
  static let columnBytes = 256
  static let message = 272
  static let messageBytes = 2_048
}

/// Writes text and a 0 byte, cut at a character where the room ends.
private func write(_ text: String, to target: UnsafeMutableRawPointer, room: Int) {
  var bytes = Array(text.utf8.prefix(room - 1))
  if text.utf8.count > bytes.count {
    // A byte of the form 10...... continues a character: its lead goes with it.
    while let last = bytes.last, last & 0xC0 == 0x80 { bytes.removeLast() }
    if let last = bytes.last, last >= 0xC0 { bytes.removeLast() }
  }
  for (index, byte) in bytes.enumerated() {
    unsafe target.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
  }
  unsafe target.storeBytes(of: 0, toByteOffset: bytes.count, as: UInt8.self)
}
