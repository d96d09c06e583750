import LarderColumns
import LarderContract
import LarderFiles
import Testing

@testable import LarderOffline

/// A commit is named by its number, a tag or a time.
@Suite struct CommitReferenceTests {
  private static let second: Int64 = 1_000_000
  private static let noon: Int64 = 1_772_366_400 * second  // 2026-03-01T12:00:00Z

  /// A store with a commit at noon and one each minute after it.
  private func store(keep: Duration = .seconds(86_400), commits: Int = 5) throws -> Store {
    let disk = SimulatedFileSystem(seed: 9)
    let clock = Clock(Self.noon - 60 * Self.second)
    var host = disk.host()
    host.now = { clock.now }
    var options = Fixture.options()
    options.keepSnapshots = keep
    let store = try Store.open("/s", access: .create, host: host, options: options)
    try store.apply(Fixture.definitions(Fixture.view()))
    for commit in 0..<commits {
      clock.now = Self.noon + Int64(commit) * 60 * Self.second
      try store.append([Fixture.batch(Fixture.rows(2, from: Int64(commit) * 10))], to: "stats")
    }
    return store
  }

  private final class Clock: @unchecked Sendable {
    var now: Int64
    init(_ now: Int64) { self.now = now }
  }

  private func refusal(_ body: () throws -> Void) -> LarderError? {
    do { try body() } catch { return error as? LarderError }
    return nil
  }

  @Test func aTimeMeansTheLastCommitThatIsNotLater() throws {
    let store = try store()
    // The definitions are commit 1, and the first rows commit 2.
    for (text, id) in [
      ("2026-03-01T12:00:00Z", 2), ("2026-03-01T12:00:59.999999Z", 2),
      ("2026-03-01T12:01:00Z", 3), ("2026-03-01T13:01:30+01:00", 3),
      ("2026-03-01T12:03:59.999999999Z", 5), ("2026-03-02", 6), ("+9999-01-01T00:00:00Z", 6),
      ("2026-03-01T11:59:30Z", 1),
    ] {
      #expect(try store.commit(named: text).id == UInt64(id), "\(text)")
    }
    #expect(try store.commit(named: "4").id == 4)
    try store.tag("2026-03-02", at: 2)
    #expect(try store.commit(named: "2026-03-02").id == 2, "a tag is meant before a time")
  }

  @Test func whatIsNotThereIsNamed() throws {
    let store = try store()
    let early = refusal { _ = try store.commit(named: "2026-02-28") }
    #expect(early?.code == .notFound)
    #expect(early?.message.contains("2026-02-28") == true, "\(early?.message ?? "")")
    for text in ["", "17 ", "2026-13-01", "yesterday", "99", "99999999999999999999999"] {
      #expect(refusal { _ = try store.commit(named: text) }?.code == .notFound, "\(text)")
    }
  }

  /// A tag keeps one of the commits that others followed: what was the newest between is not known.
  @Test func noCommitStandsForOneThatIsNoLongerKept() throws {
    let store = try store()
    try store.tag("kept", at: 3)
    try store.vacuum()
    #expect(
      try store.commit(named: "2026-03-01T12:05:00Z").id == 7, "the newest, by which it is tagged")
    #expect(try store.commit(named: "kept").id == 3)
    let between = refusal { _ = try store.commit(named: "2026-03-01T12:02:30Z") }
    #expect(between?.code == .notFound)
    #expect(refusal { _ = try store.commit(named: "2026-03-01T12:00:30Z") }?.code == .notFound)
  }
}
