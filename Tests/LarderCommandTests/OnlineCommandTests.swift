import Foundation
import Testing

/// The online store at the command line.
@Suite struct OnlineCommandTests {
  /// A store with the history of `CommandTests`.
  private func shell() throws -> Shell {
    let shell = try Shell()
    try shell.write("definitions.json", CommandTests.definitions)
    try shell.write("rows.csv", CommandTests.rows)
    try shell.succeed("apply", "s", "definitions.json")
    try shell.succeed("import", "s", "stats", "rows.csv", "--null", "NA")
    return shell
  }

  private func json(_ text: String) throws -> Any {
    try JSONSerialization.jsonObject(with: Data(text.utf8))
  }

  @Test func materializesAndGets() throws {
    let shell = try shell()
    try shell.refuse("get", "s", "stats", "id=1", code: 4, saying: ["larder materialize"])
    let run = try shell.succeed("materialize", "s", "--to", "2026-01-01T12:00:00Z", "--json")
    let reports = try #require(try json(run.output) as? [[String: Any]])
    #expect(reports[0]["rows"] as? Int == 2 && reports[0]["changedKeys"] as? Int == 2)
    let again = try shell.succeed("materialize", "s", "stats", "--to", "2026-01-01T12:00:00Z")
    #expect(again.output.contains("CHANGED KEYS"))
    #expect(again.output.contains("stats     0     0             0"))
    let two = try shell.succeed("get", "s", "stats", "id=2", "--at", "2026-01-01T01:00:00Z")
    #expect(
      two.output == """
        stats id=2: present
        event time 2026-01-01T00:00:00Z, age 1h

        FEATURE  VALUE   STATUS
        rate     1e+300  present
        note             present

        """)
    let old = try shell.succeed("get", "s", "stats", "id=2", "--features", "rate", "--json")
    let answer = try #require(try json(old.output) as? [String: Any])
    #expect(answer["status"] as? String == "outsideMaxAge")
    #expect(answer["eventTime"] as? String == "2026-01-01T00:00:00Z")
    let features = try #require(answer["features"] as? [String: [String: Any]])
    #expect(features.keys.sorted() == ["rate"] && features["rate"]?["value"] is NSNull)
    let none = try shell.succeed("get", "s", "stats", "id=77")
    #expect(none.output == "stats id=77: notFound\n")
  }

  @Test func putsAndTellsAndChecksParity() throws {
    let shell = try shell()
    try shell.succeed("materialize", "s")
    let equal = try shell.succeed("verify", "s", "--parity")
    #expect(equal.output.contains("online equals history"))
    // A feature that the file lacks keeps its value; an older row changes nothing.
    try shell.write(
      "put.csv", "id,t,known,rate\n2,2026-01-01T00:00:01Z,,7\n1,2025-12-31T00:00:00Z,,8\n")
    let put = try shell.succeed("put", "s", "stats", "put.csv")
    #expect(put.notes.contains("put 2 rows") && put.notes.contains("\"note\"; it stays as it is"))
    let got = try shell.succeed("get", "s", "stats", "id=2", "--at", "2026-01-01T01:00:00Z")
    #expect(got.output.contains("rate     7.0    present"))
    let one = try shell.succeed("get", "s", "stats", "id=1", "--at", "2026-01-01T12:00:00Z")
    #expect(!one.output.contains("8.0"))
    let parity = try shell.succeed("verify", "s", "--parity", "--sample", "10", "--json")
    let report = try #require(try json(parity.output) as? [String: Any])
    #expect(report["isEqual"] as? Bool == true)
    let views = try #require(report["views"] as? [[String: Any]])
    #expect((views[0]["directKeys"] as? Int ?? 0) > 0)
    let told = try shell.succeed("online", "s")
    #expect(told.output.contains("KEYS") && told.output.contains("stats     2"))
    let tables = try #require(
      try json(try shell.succeed("online", "s", "stats", "--json").output) as? [[String: Any]])
    #expect(tables[0]["keys"] as? Int == 2)
    let watermark = try #require(tables[0]["watermark"] as? [String: Any])
    #expect(watermark["commit"] is Int)
  }

  @Test func refusesWhatItCannotDo() throws {
    let shell = try shell()
    try shell.succeed("materialize", "s")
    try shell.refuse("get", "s", "stat", "id=1", code: 4, saying: ["Did you mean \"stats\"?"])
    try shell.refuse("get", "s", "stats", "ids=1", code: 4, saying: ["Did you mean \"id\"?"])
    try shell.refuse("get", "s", "stats", code: 2, saying: ["id=VALUE"])
    try shell.refuse("get", "s", "stats", "id=x", code: 2, saying: ["\"x\""])
    try shell.refuse(
      "get", "s", "stats", "id=1", "--features", "rat", code: 4,
      saying: ["Did you mean \"rate\"?"])
    try shell.refuse("materialize", "s", "nothing", code: 4, saying: ["nothing"])
    try shell.refuse("online", "s", "stat", code: 4, saying: ["stats"])
    try shell.refuse("verify", "s", "--sample", "3", code: 2, saying: ["--parity"])
    try shell.write("bad.csv", "id,t,known,rate\n1,2027-01-01,,1\n1,yesterday,,2\n")
    try shell.refuse("put", "s", "stats", "bad.csv", code: 3, saying: ["yesterday", "bad.csv:3"])
  }
}
