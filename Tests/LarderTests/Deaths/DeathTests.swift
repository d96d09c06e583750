import Glibc
import Testing

/// Processes die one by one on a machine that stays, meet errors, and run beside one another; then
/// others go on, and every answer must be right.
///
/// `LARDER_DEATHS=full` tries five million states; `LARDER_DEATHS_CASE` runs one case by the name
/// that a failure prints.
@Suite(.enabled(if: getenv("LARDER_DEATHS") != nil || getenv("LARDER_DEATHS_CASE") != nil))
struct DeathTests {
  private static func setting(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }

  @Test func everyAnswerIsRightAfterAnyDeath() throws {
    if let text = Self.setting("LARDER_DEATHS_CASE") {
      let name = try #require(DeathCaseName(text), "LARDER_DEATHS_CASE is no case: \(text)")
      let finding = try name.run { print($0) }
      #expect(finding == nil, "\(name)")
      return
    }
    let isFull = Self.setting("LARDER_DEATHS") == "full"
    let tally = DeathTally()
    let start = ContinuousClock.now
    var plan = DeathPlan()
    plan.seed = Self.setting("LARDER_DEATHS_SEED").flatMap { UInt64($0) } ?? 1
    // Checked at every step, a state takes ten times as long.
    let isDebug = _isDebugAssertConfiguration()
    plan.deathStride = isDebug ? 40 : 1
    plan.faultStride = isDebug ? 200 : 3
    plan.schedules = isDebug ? 0 : 3
    try plan.run(tally)
    var rounds = 1
    if isFull {
      var whole = plan
      whole.faultStride = 1
      whole.followers = 2
      whole.deathStride = 0
      whole.schedules = 0
      whole.isEverySchedule = true
      try whole.run(tally)
    }
    while isFull, tally.states < 5_000_000 {
      rounds += 1
      plan.seed &+= 1_000
      plan.cuts = 4
      plan.schedules = 12
      try plan.run(tally)
    }
    Self.tell(tally, since: start, rounds)
    #expect(tally.states >= (isFull ? 5_000_000 : isDebug ? 2_000 : 200_000))
    for kind in tally.kinds.prefix(40) { Issue.record("\(kind.count) x \(kind.first)") }
  }

  private static func tell(
    _ tally: DeathTally, since start: ContinuousClock.Instant, _ rounds: Int
  ) {
    let seconds = Double((ContinuousClock.now - start).components.seconds) + 0.001
    print(
      "deaths: \(tally.states) states in \(rounds) rounds, \(tally.failures) wrong, "
        + "\(Int(Double(tally.states) / seconds)) states/s")
    for pair in tally.pairs where pair.failures > 0 {
      print("  \(pair.pair): \(pair.failures) of \(pair.states) wrong")
    }
  }
}
