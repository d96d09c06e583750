import LarderColumns

/// Why a view answers a key at a time as it does: the rows that were in question, and the rule that
/// decided.
public struct WhyReport: Sendable, Hashable {
  /// What a row is to the answer.
  public enum Verdict: String, Sendable, Hashable, CaseIterable {
    /// It is the answer.
    case answer
    /// Its event time is later than asked for.
    case later
    /// It is older than the time to live allows.
    case expired
    /// It had not been created by the time asked for.
    case notYetKnown
    /// Another row of a later event time wins.
    case earlierEvent
    /// Another row of the same event time and a greater created time wins.
    case earlierCreated
    /// Another row of the same event and created time, committed later, wins.
    case earlierCommit
  }

  /// A row of the key.
  public struct Candidate: Sendable, Hashable {
    /// When it became true.
    public var event: Timestamp
    /// When it became known, if the view says so.
    public var created: Timestamp?
    /// The commits of the segment that holds it.
    public var commits: ClosedRange<UInt64>
    /// What it is to the answer.
    public var verdict: Verdict
    /// Its features, in the view's order.
    public var values: [Value]

    /// Makes a candidate.
    public init(
      event: Timestamp, created: Timestamp?, commits: ClosedRange<UInt64>, verdict: Verdict,
      values: [Value]
    ) {
      self.event = event
      self.created = created
      self.commits = commits
      self.verdict = verdict
      self.values = values
    }
  }

  /// The view.
  public var view: String
  /// The time asked for.
  public var time: Timestamp
  /// How the view answers.
  public var status: RetrievalStatus
  /// The rule that decided, in words.
  public var rule: String
  /// The rows nearest to the decision, latest first; not all where the key has many.
  public var candidates: [Candidate]
  /// How many rows the key has in all, by verdict.
  public var counts: [Verdict: Int]

  /// Makes a report.
  public init(
    view: String, time: Timestamp, status: RetrievalStatus, rule: String,
    candidates: [Candidate], counts: [Verdict: Int]
  ) {
    self.view = view
    self.time = time
    self.status = status
    self.rule = rule
    self.candidates = candidates
    self.counts = counts
  }
}
