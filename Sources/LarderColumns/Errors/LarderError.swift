/// What went wrong, where, and what to do about it.
///
/// One struct serves the whole engine: `code` says what kind of failure it is and never changes
/// its meaning between releases; `message` says in words what was found, what was expected and
/// what to do. The other properties say where, as far as that is known.
///
/// ```swift
/// do { try store.append(batch, to: "driver_stats") }
/// catch where error.code == .invalidInput { print(error) }
/// ```
public struct LarderError: Error, Sendable, Hashable {
  /// The kind of failure; stable between releases.
  public var code: Code
  /// What was found, what was expected, what to do: one or two sentences.
  public var message: String
  /// The file it happened in, if any.
  public var file: String?
  /// The byte offset in `file`, if known.
  public var offset: UInt64?
  /// The line and character of a text file, if it is one.
  public var position: TextPosition?
  /// The column it happened in, if any.
  public var column: String?
  /// The zero-based row of the caller's batch, if any.
  public var row: Int?
  /// The `errno` of the system call that failed, if one did.
  public var systemError: Int32?

  /// Makes an error.
  ///
  /// - Parameters:
  ///   - code: the kind of failure.
  ///   - message: what was found, what was expected, what to do.
  ///   - file: the file it happened in.
  ///   - offset: the byte offset in `file`.
  ///   - position: the line and character of `file`, if it is text.
  ///   - column: the column it happened in.
  ///   - row: the zero-based row of the caller's batch.
  ///   - systemError: the `errno` of the failed system call.
  public init(
    _ code: Code, _ message: String, file: String? = nil, offset: UInt64? = nil,
    position: TextPosition? = nil, column: String? = nil, row: Int? = nil,
    systemError: Int32? = nil
  ) {
    self.code = code
    self.message = message
    self.file = file
    self.offset = offset
    self.position = position
    self.column = column
    self.row = row
    self.systemError = systemError
  }

  /// What a call threw that passes on errors of any kind: an error of ours as it is, another's as
  /// one of the code `io`.
  ///
  /// - Parameters:
  ///   - error: what was thrown.
  ///   - attempt: what failed, such as `Reading history`; it leads another's words.
  ///   - file: the file of another's error.
  package init(_ error: any Error, during attempt: String, file: String? = nil) {
    if let known = error as? LarderError {
      self = known
    } else {
      self.init(.io, "\(attempt) failed: \(error)", file: file)
    }
  }
}

extension LarderError: CustomStringConvertible {
  /// The message, led by where it happened.
  public var description: String {
    var place: [String] = []
    if let position {
      place.append(file.map { "\($0):\(position)" } ?? "line \(position)")
    } else if let file {
      place.append(offset.map { "\(file) at byte \($0)" } ?? file)
    }
    if let column { place.append("column \"\(column)\"") }
    if let row { place.append("row \(row)") }
    let lead = place.isEmpty ? "" : place.joined(separator: ", ") + ": "
    let tail = systemError.map { " (errno \($0))" } ?? ""
    return lead + message + tail
  }
}
