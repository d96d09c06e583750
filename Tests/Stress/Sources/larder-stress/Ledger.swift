import Glibc

/// What the appenders have had acknowledged, in memory that all processes share.
///
/// Slot n holds the number of rounds that appender n has committed. An appender raises it after its
/// append returned; a reader loads it before it asks. So a reader must see at least that much.
final class Ledger: @unchecked Sendable {
  private let words: UnsafeMutablePointer<UInt64>
  static let slots = 64

  init(path: String, creating: Bool) throws {
    let descriptor = open(path, creating ? O_RDWR | O_CREAT | O_TRUNC : O_RDWR, 0o600)
    guard descriptor >= 0 else { throw StressFailure("cannot open \(path)") }
    defer { close(descriptor) }
    let bytes = Ledger.slots * 8
    guard !creating || ftruncate(descriptor, off_t(bytes)) == 0,
      let base = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
      base != MAP_FAILED
    else { throw StressFailure("cannot map \(path)") }
    words = base.assumingMemoryBound(to: UInt64.self)
  }

  /// The rounds of an appender; aligned words are not torn.
  subscript(slot: Int) -> UInt64 {
    get { words[slot] }
    set { words[slot] = newValue }
  }
}

/// What went wrong, for the last line of a process.
struct StressFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
