/// The rules of the search as switches, all at the contract's value.
///
/// They exist so that tests can plant a fault at each rule and see it found; nothing outside tests
/// sets them.
package struct SearchRules: Sendable, Hashable {
  /// Added to the last tick that may answer.
  package var upperShift: Int64 = 0
  /// Added to the first tick that may answer.
  package var lowerShift: Int64 = 0
  /// Whether `t - timeToLive` stops at the ends of Int64 rather than wrapping round.
  package var saturates = true
  /// Whether the first of equal created times, rather than the last, wins between segments.
  package var reversesCreated = false
  /// Whether the earlier commit wins a full tie between segments.
  package var reversesCommits = false
  /// Whether a null created time beats others.
  package var nullCreatedWins = false
  /// Whether a run whose last event equals the best so far is passed over.
  package var stopsOnEqual = false
  /// Whether a null key is taken for the first entity.
  package var nullKeyMatches = false
  /// Whether times of a finer unit are rounded up instead of down.
  package var roundsUp = false
  /// Whether rows that were not known yet count all the same.
  package var ignoresCreated = false
  /// Whether only the newest run of an entity is looked into.
  package var looksIntoOneRun = false
  /// Whether the row before the winner is chosen.
  package var choosesLoser = false

  /// Whether timelines are never used: a way that is otherwise taken for small spines.
  package var probesAlways = false
  /// Rows of the smallest range that is answered in the order of history.
  package var ordersFrom = 16_384
  /// Rows that are put into the order of history at once, at most; a multiple of 64.
  package var ordersAtOnce = 1 << 20

  /// The contract's rules.
  package init() {}
}
