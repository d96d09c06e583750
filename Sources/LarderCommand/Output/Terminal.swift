import Glibc
import Larder

/// Standard error, where everything goes that is not data.
enum Terminal {
  /// Whether someone is looking.
  static let isShown = isatty(2) == 1

  /// Writes a line.
  static func note(_ line: String) { write(line + "\n") }

  /// Writes text as it is.
  ///
  /// A failure has nowhere to be told.
  static func write(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      var at = 0
      while at < bytes.count {
        let rest = unsafe UnsafeBufferPointer(rebasing: bytes[at...])
        let written = unsafe Glibc.write(2, rest.baseAddress, rest.count)
        if written < 0, errno != EINTR { return }
        at += max(written, 0)
      }
    }
  }
}
