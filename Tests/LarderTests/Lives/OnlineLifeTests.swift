import Glibc
import Testing

/// Online answers follow the rule over long random lives: definitions change, history grows and is
/// taken back, rows are put and deleted, every command in any order.
@Suite struct OnlineLifeTests {
  /// How many steps; `LARDER_ONLINE_STEPS` sets another number, `LARDER_ONLINE_SEED` the first seed,
  /// and `LARDER_ONLINE_TRACE` says what was done.
  private var steps: Int { number("LARDER_ONLINE_STEPS") ?? 20_000 }

  private func number(_ name: String) -> Int? {
    unsafe getenv(name).flatMap { unsafe Int(String(cString: $0)) }
  }

  @Test func everyAnswerIsTheModels() throws {
    var done = 0
    var failed = 0
    var seed = UInt64(number("LARDER_ONLINE_SEED") ?? 1)
    let first = seed
    while done < steps {
      var life = try OnlineLife(seed: seed)
      do {
        for _ in 0..<100 { try life.step() }
      } catch {
        failed += 1
        if failed <= 5 { Issue.record("seed \(seed): \(error)") }
        if number("LARDER_ONLINE_TRACE") != nil { print(life.log.joined(separator: "\n")) }
      }
      done += life.steps
      seed += 1
    }
    print(
      "\(done) online steps in \(seed - first) lives, seeds \(first) to \(seed - 1), "
        + "\(failed) lives failed")
    #expect(failed == 0)
  }
}
