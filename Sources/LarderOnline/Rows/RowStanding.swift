import LarderColumns

/// The event and created time of a row, by which rows win and lose.
struct RowTime: Hashable, Sendable {
  var event: Int64
  var created: Int64?

  /// Whether a row of this time is greater than one of another.
  @inline(__always) func isGreater(than other: RowTime) -> Bool {
    if event != other.event { return event > other.event }
    guard let created else { return false }
    guard let theirs = other.created else { return true }
    return created > theirs
  }
}

/// What rows say besides their features: history's times under a direct write, and which features
/// were written directly. It lies behind the features' fixed part, so that who reads values need not
/// know of it.
extension Record {
  /// The row's own times.
  var time: RowTime { RowTime(event: event, created: created) }

  /// Where this begins.
  ///
  /// - Parameter fixedBytes: bytes of the fixed part under the row's schema.
  @inline(__always) func standingOffset(_ fixedBytes: Int) -> Int {
    featuresOffset &+ (flags & (Record.isDeletion | Record.isStub) == 0 ? fixedBytes : 0)
  }

  /// Bytes of it.
  static func standingBytes(_ flags: UInt16, features: Int) -> Int {
    (flags & isOverHistory == 0 ? 0 : 16)
      + (flags & hasOrigins == 0 ? 0 : (features + 63) / 64 * 8)
  }

  /// Whether it lies within the row.
  func holdsStanding(_ schema: RowSchema) -> Bool {
    standingOffset(schema.fixedBytes)
      + Record.standingBytes(flags, features: schema.fields.count) <= bytes
  }

  /// The times of history's answer: the row's own, or those under a direct write.
  ///
  /// - Precondition: the row holds its standing.
  func historyTime(_ fixedBytes: Int) -> RowTime? {
    if isFromHistory { return isDeletion ? nil : time }
    guard isOverHistory else { return nil }
    let offset = standingOffset(fixedBytes)
    return RowTime(
      event: load(offset, as: Int64.self),
      created: flags & Record.hasHistoryCreated == 0 ? nil : load(offset &+ 8, as: Int64.self))
  }

  /// Whether a feature was written directly, with a value or without.
  ///
  /// - Precondition: the row holds its standing.
  @inline(__always) func isDirect(_ position: Int, fixedBytes: Int) -> Bool {
    if isFromHistory { return false }
    guard hasOrigins else { return true }
    let offset = standingOffset(fixedBytes) &+ (isOverHistory ? 16 : 0) &+ position >> 3
    return load(offset, as: UInt8.self) >> UInt8(truncatingIfNeeded: position & 7) & 1 == 1
  }

  /// Whether a feature is history's, under a direct write, and past the time to live.
  @inline(__always) func isSilent(_ position: Int, fixedBytes: Int, _ expiry: Expiry) -> Bool {
    isHistoryExpired(fixedBytes, expiry) && !isDirect(position, fixedBytes: fixedBytes)
  }

  /// Whether features of history's are in the row and past the time to live, under a direct write.
  @inline(__always) func isHistoryExpired(_ fixedBytes: Int, _ expiry: Expiry) -> Bool {
    let both = Record.isOverHistory | Record.hasOrigins
    guard flags & both == both else { return false }
    return expiry.isExpired(load(standingOffset(fixedBytes), as: Int64.self))
  }
}

/// Where the newest row of a key came from, for comparisons with history.
package struct RowOrigin: Sendable, Hashable {
  /// Whether a direct write or deletion is served.
  package var isDirect: Bool
  /// Whether there is a row to give, and no deletion.
  package var isThere: Bool
  /// The row's event time, in ticks.
  package var event: Int64
  /// The event time of history's answer, in ticks; nil if there is none.
  package var historyEvent: Int64?
  /// For each feature asked about whether its value is history's.
  package var fromHistory: [Bool]
}
