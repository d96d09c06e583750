import LarderColumns

/// One message of Arrow's IPC format: its metadata as a table, and where its body lies.
struct ArrowMessage {
  enum Kind: UInt8 {
    case schema = 1
    case dictionary = 2
    case batch = 3
    case tensor = 4
    case sparseTensor = 5
  }

  var kind: Kind
  var header: FlatTable
  /// Where the body starts in the file, and its bytes.
  var bodyStart: Int
  var bodyBytes: Int
  /// Where the next message starts.
  var end: Int { bodyStart + bodyBytes }

  /// Reads the message that starts at an offset.
  ///
  /// - Returns: nil at the end of a stream: no bytes left, or a length of zero.
  /// - Throws: `invalidInput` if the bytes are not a message.
  init?(_ bytes: UnsafeRawBufferPointer, at start: Int) throws(LarderError) {
    var at = start
    func word() throws(LarderError) -> UInt32 {
      guard at >= 0, at <= bytes.count - 4 else {
        throw .malformed("The file ends where a message should start.", offset: at)
      }
      defer { at += 4 }
      return unsafe bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)
    }
    if start == bytes.count { return nil }
    // Before version 0.15 of Arrow the mark 0xFFFFFFFF was not written.
    var length = try word()
    if length == UInt32.max { length = try word() }
    if length == 0 { return nil }
    guard length <= Limits.metadataBytes else {
      throw LarderError(
        .limitExceeded,
        "A message has metadata of \(length) bytes; at most \(Limits.metadataBytes) are read.",
        offset: UInt64(clamping: start))
    }
    guard Int(length) <= bytes.count - at else {
      throw .malformed("A message has metadata of \(length) bytes.", offset: start)
    }
    let metadata = unsafe UnsafeRawBufferPointer(rebasing: bytes[at..<(at + Int(length))])
    let message = unsafe try FlatTable(root: metadata)
    let raw = try message.scalar(1, default: UInt8(0))
    guard let kind = Kind(rawValue: raw), let header = try message.table(2) else {
      throw .malformed("A message of unknown kind \(raw).", offset: start)
    }
    let version = try message.scalar(0, default: Int16(0))
    guard version >= 3, version <= 4 else {
      throw LarderError(
        .unsupported, "Metadata version V\(Int(version) + 1); V4 and V5 are read.")
    }
    let body = try message.scalar(3, default: Int64(0))
    bodyStart = at + Int(length)
    guard body >= 0, body <= Int64(bytes.count - bodyStart) else {
      throw .malformed("A message has a body of \(body) bytes.", offset: start)
    }
    self.kind = kind
    self.header = header
    bodyBytes = Int(body)
  }
}
