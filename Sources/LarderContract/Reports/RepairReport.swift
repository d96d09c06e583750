/// What a repair did, or would do, and what it cannot mend.
public struct RepairReport: Sendable, Hashable, Codable {
  /// What was rebuilt, or would be.
  public var steps: [Step]
  /// What is wrong after it: damage of what was committed, which only a backup can mend.
  public var findings: [Finding]

  /// Makes a report.
  public init(steps: [Step], findings: [Finding]) {
    self.steps = steps
    self.findings = findings
  }

  /// One thing that is derived and was rebuilt.
  public struct Step: Sendable, Hashable, Codable {
    /// The file, or the directory of several.
    public var path: String
    /// What was done.
    public var action: String
    /// Why.
    public var reason: String

    /// Makes a step.
    public init(path: String, action: String, reason: String) {
      self.path = path
      self.action = action
      self.reason = reason
    }
  }
}
