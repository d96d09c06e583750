import LarderColumns

/// One thing that a check of a store found wrong.
public struct Finding: Sendable, Hashable {
  /// What is wrong and where, as reading it would have said.
  public var error: LarderError
  /// What can no longer be answered because of it: a view, a column, a range of rows.
  public var affects: String

  /// Makes a finding.
  public init(_ error: LarderError, affects: String) {
    self.error = error
    self.affects = affects
  }
}

/// What a check of a store looked at and found.
public struct VerificationReport: Sendable, Hashable, Codable {
  /// The commit that was checked.
  public var commit: Commit
  /// Files looked at.
  public var files: Int
  /// Bytes whose checksums were recomputed.
  public var bytes: UInt64
  /// Rows of the segments checked.
  public var rows: Int
  /// What is wrong; empty if nothing is.
  public var findings: [Finding]
  /// What is no damage and yet to be known: an erasure that is not finished, commits that the next
  /// writer settles.
  public var notes: [String]
  /// The newest commit of which nothing was found wrong, if something was of a later one; nil if
  /// none that is kept is good.
  public var lastGood: Commit?

  /// Makes a report.
  public init(
    commit: Commit, files: Int, bytes: UInt64, rows: Int, findings: [Finding],
    notes: [String] = [], lastGood: Commit? = nil
  ) {
    self.commit = commit
    self.files = files
    self.bytes = bytes
    self.rows = rows
    self.findings = findings
    self.notes = notes
    self.lastGood = lastGood
  }
}

extension Finding: Codable {
  private enum CodingKeys: String, CodingKey { case code, message, file, offset, affects }

  /// Reads a finding's code, message, file, offset and what it affects.
  public init(from decoder: any Decoder) throws {
    let members = try decoder.container(keyedBy: CodingKeys.self)
    let number = try members.decode(Int32.self, forKey: .code)
    error = LarderError(
      LarderError.Code(rawValue: number) ?? .corrupt,
      try members.decode(String.self, forKey: .message),
      file: try members.decodeIfPresent(String.self, forKey: .file),
      offset: try members.decodeIfPresent(UInt64.self, forKey: .offset))
    affects = try members.decode(String.self, forKey: .affects)
  }

  /// Writes the error's code, message, file and offset, and what it affects.
  public func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(error.code.rawValue, forKey: .code)
    try members.encode(error.message, forKey: .message)
    try members.encodeIfPresent(error.file, forKey: .file)
    try members.encodeIfPresent(error.offset, forKey: .offset)
    try members.encode(affects, forKey: .affects)
  }
}
