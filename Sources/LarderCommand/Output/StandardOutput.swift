import Larder
import LarderInterchange

/// Standard output, where data goes.
enum StandardOutput {
  /// Writes text as it is.
  ///
  /// - Throws: `io` if it does not take everything.
  static func write(_ text: String) throws(LarderError) {
    let output = try ByteOutput.standard()
    try output.write(text)
    try output.finish()
  }

  /// Writes the bytes that a closure appends.
  ///
  /// - Throws: `io` if it does not take everything.
  static func write(_ append: (inout [UInt8]) -> Void) throws(LarderError) {
    let output = try ByteOutput.standard()
    try output.write(append)
    try output.finish()
  }
}
