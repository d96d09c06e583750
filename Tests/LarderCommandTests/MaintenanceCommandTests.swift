import Foundation
import Testing

/// compact, expire, snapshots, rollback and vacuum, as a shell runs them.
@Suite struct MaintenanceCommandTests {
  private static let definitions = """
    {"entities": [{"name": "driver", "joinKeys": [{"name": "driver_id", "type": "int64"}]}],
     "featureViews": [{"name": "stats", "entities": ["driver"], "timestamp": "event",
       "features": [{"name": "trips", "type": "int64"}]}]}
    """

  /// A store of several commits; commit n + 2 has the days of chunk n.
  private func makeShell(_ chunks: [ClosedRange<Int>]) throws -> Shell {
    let shell = try Shell()
    try shell.write("definitions.json", Self.definitions)
    #expect(try shell.run(["apply", "s", "definitions.json"]).exitCode == 0)
    for (number, days) in chunks.enumerated() {
      var text = "driver_id,event,trips\n"
      for day in days {
        text += "\(day % 3),2026-03-\(day < 10 ? "0" : "")\(day)T00:00:00Z,\(number * 100 + day)\n"
      }
      try shell.write("rows.csv", text)
      let result = try shell.run(["import", "s", "stats", "rows.csv"])
      #expect(result.exitCode == 0, "\(result.notes)")
    }
    return shell
  }

  private func export(_ shell: Shell) throws -> [String] {
    let result = try shell.run(["export", "s", "stats"])
    #expect(result.exitCode == 0, "\(result.notes)")
    return result.output.split(separator: "\n").map(String.init).sorted()
  }

  @Test func compactsAndThenHasNothingToDo() throws {
    let shell = try makeShell([1...9, 3...12, 5...20, 1...20])
    let before = try export(shell)
    let files = try shell.files("s")
    let told = try shell.run(["compact", "s", "--dry-run"])
    #expect(told.exitCode == 0 && told.output.contains("nothing was changed"), "\(told.output)")
    #expect(try shell.files("s") == files)
    let done = try shell.run(["compact", "s", "stats"])
    #expect(done.exitCode == 0 && done.output.contains("before"), "\(done.output)\(done.notes)")
    #expect(try export(shell) == before)
    let again = try shell.run(["compact", "s"])
    #expect(again.exitCode == 0 && again.output.hasSuffix("nothing to do\n"), "\(again.output)")
    let json = try shell.run(["compact", "s", "--partition", "all", "--json"])
    let parsed = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
    #expect((parsed?["views"] as? [Any])?.count == 1, "\(json.output)")
    #expect(try shell.run(["compact", "s", "none"]).exitCode == 4)
    #expect(try shell.run(["compact", "s", "--partition", "2026-3"]).exitCode == 2)
    #expect(try shell.run(["compact", "s", "--partition", "2020-03"]).exitCode == 4)
    #expect(try shell.run(["compact", "s", "--max-seconds", "-1"]).exitCode == 2)
    #expect(try shell.run(["verify", "s"]).exitCode == 0)
  }

  @Test func expiresAfterAsking() throws {
    let shell = try makeShell([1...10, 11...20])
    let refused = try shell.run(["expire", "s", "stats", "--older-than", "5d"])
    #expect(refused.exitCode == 2 && refused.notes.contains("--yes"), "\(refused.notes)")
    let told = try shell.run(["expire", "s", "stats", "--older-than", "5d", "--dry-run"])
    #expect(told.output.contains("14 rows before 2026-03-15"), "\(told.output)")
    #expect(try export(shell).count == 21)
    let done = try shell.run(["expire", "s", "stats", "--older-than", "5d", "--yes"])
    #expect(done.exitCode == 0, "\(done.notes)")
    #expect(try export(shell).count == 7)
    let again = try shell.run(["expire", "s", "stats", "--older-than", "5d"])
    #expect(again.exitCode == 0 && again.output == "nothing has expired\n", "\(again)")
    #expect(try shell.run(["expire", "s", "stats", "--older-than", "5 days"]).exitCode == 2)
    #expect(try shell.run(["expire", "s", "none", "--older-than", "5d"]).exitCode == 4)
  }

  @Test func takesTagsWhereItTakesCommits() throws {
    let shell = try makeShell([1...3, 4...6, 7...9])
    #expect(try shell.run(["snapshots", "s", "--tag", "early@2"]).exitCode == 0)
    let again = try shell.run(["snapshots", "s", "--tag", "first@early"])
    #expect(again.exitCode == 0 && again.output.contains("early first"), "\(again)")
    let byID = try shell.run(["export", "s", "stats", "--at", "2"])
    let byTag = try shell.run(["export", "s", "stats", "--at", "early"])
    #expect(byTag.exitCode == 0 && byTag.output == byID.output, "\(byTag.notes)")
    #expect(byTag.output.split(separator: "\n").count == 4)
    let span = ["--from", "2026-03-01", "--to", "2026-03-31"]
    let joined = try shell.run(["join", "s", "--features", "stats:trips", "--at", "first"] + span)
    #expect(joined.exitCode == 0, "\(joined.notes)")
    #expect(joined.output.split(separator: "\n").count == 4, "\(joined.output)")
    for arguments in [
      ["export", "s", "stats", "--at", "earyl"], ["rollback", "s", "--to", "earyl", "--yes"],
      ["snapshots", "s", "--tag", "x@earyl"],
    ] {
      let missing = try shell.run(arguments)
      #expect(missing.exitCode == 4 && missing.notes.contains("\"early\""), "\(missing)")
    }
    let beyond = try shell.run(["export", "s", "stats", "--at", "99999999999999999999999"])
    #expect(beyond.exitCode == 4 && beyond.notes.contains("newest"), "\(beyond)")
    #expect(try shell.run(["rollback", "s", "--to", "early", "--yes"]).exitCode == 0)
    #expect(try export(shell).count == 4)
  }

  @Test func goesBackAndListsWhereTo() throws {
    let shell = try makeShell([1...3, 4...6, 7...9])
    let tagged = try shell.run(["snapshots", "s", "--tag", "early@2"])
    #expect(tagged.exitCode == 0 && tagged.output.contains("early"), "\(tagged)")
    let listed = try shell.run(["snapshots", "s", "--json"])
    let commits =
      try JSONSerialization.jsonObject(with: Data(listed.output.utf8)) as? [[String: Any]]
    #expect(commits?.compactMap { $0["commit"] as? Int } == [0, 1, 2, 3, 4, 5], "\(listed.output)")
    #expect(try shell.run(["rollback", "s", "--to", "2"]).exitCode == 2)
    let told = try shell.run(["rollback", "s", "--to", "2", "--dry-run"])
    #expect(told.output.contains("nothing was changed"), "\(told.output)")
    #expect(try export(shell).count == 10)
    #expect(try shell.run(["rollback", "s", "--to", "2", "--yes"]).exitCode == 0)
    #expect(try export(shell).count == 4)
    let vacuumed = try shell.run(["vacuum", "s"])
    #expect(vacuumed.exitCode == 0 && vacuumed.output.contains("returned"), "\(vacuumed)")
    let gone = try shell.run(["rollback", "s", "--to", "4", "--yes"])
    #expect(gone.exitCode == 4 && gone.notes.contains("tagged \"early\""), "\(gone.notes)")
    #expect(try shell.run(["rollback", "s", "--to", "99", "--yes"]).exitCode == 4)
    #expect(try shell.run(["snapshots", "s", "--untag", "none"]).exitCode == 4)
    #expect(try shell.run(["snapshots", "s", "--tag", "12"]).exitCode == 2)
    #expect(try shell.run(["snapshots", "s", "--untag", "early"]).exitCode == 0)
    #expect(try shell.run(["verify", "s"]).exitCode == 0)
  }
}
