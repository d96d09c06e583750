import Foundation
import Testing

/// Online answers after history or its definitions were changed, at the command line.
@Suite struct OnlineChangesTests {
  private static func definitions(_ features: String) -> String {
    """
    {"entities":[{"name":"u","joinKeys":[{"name":"uid","type":"int64"}]}],
     "featureViews":[{"name":"a","entities":["u"],"timestamp":"ts","features":[\(features)]}]}
    """
  }

  private static let x = #"{"name":"x","type":"int64"}"#
  private static let s = #"{"name":"s","type":"string"}"#

  private func shell(_ rows: String) throws -> Shell {
    let shell = try Shell()
    try shell.write("d.json", Self.definitions("\(Self.x),\(Self.s)"))
    try shell.succeed("apply", "st", "d.json")
    try append(shell, rows)
    return shell
  }

  private func append(_ shell: Shell, _ rows: String) throws {
    try shell.write("rows.csv", "uid,ts,x,s\n" + rows)
    try shell.succeed("import", "st", "a", "rows.csv")
  }

  /// The features of an entity; nil if it is not found.
  private func got(_ shell: Shell, _ id: Int) throws -> [String: String]? {
    let output = try shell.succeed("get", "st", "a", "uid=\(id)", "--json").output
    let answer = try #require(
      try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
    if answer["status"] as? String == "notFound" { return nil }
    let features = try #require(answer["features"] as? [String: [String: Any]])
    return features.mapValues { feature in
      guard let value = feature["value"], !(value is NSNull) else { return "null" }
      return "\(value)"
    }
  }

  private func expectParity(_ shell: Shell) throws {
    let parity = try shell.succeed("verify", "st", "--parity")
    #expect(parity.output.contains("online equals history"), "\(parity.output)")
  }

  @Test func aRenamedFeatureKeepsItsValues() throws {
    let shell = try shell("1,2026-01-01,11,A\n")
    try shell.succeed("materialize", "st")
    let renamed = #"{"name":"renamed","type":"int64","formerly":"x"}"#
    try shell.write("d2.json", Self.definitions("\(renamed),\(Self.s)"))
    try shell.succeed("apply", "st", "d2.json")
    #expect(try got(shell, 1) == ["renamed": "11", "s": "A"])
    try expectParity(shell)
    try shell.succeed("materialize", "st")
    #expect(try got(shell, 1) == ["renamed": "11", "s": "A"])
    try expectParity(shell)
    // A new feature of the old name has nothing of the old one's.
    try shell.write(
      "d3.json", Self.definitions(#"{"name":"renamed","type":"int64"},\#(Self.s),\#(Self.x)"#))
    try shell.succeed("apply", "st", "d3.json")
    #expect(try got(shell, 1)?["x"] == "null")
    try expectParity(shell)
  }

  @Test func aDroppedNameThatComesBackIsAnotherFeature() throws {
    let shell = try shell("1,2026-01-01,11,A\n")
    try shell.succeed("materialize", "st")
    try shell.write("put.csv", "uid,ts,x\n1,2026-02-01,12\n")
    try shell.succeed("put", "st", "a", "put.csv")
    try shell.write("d2.json", Self.definitions(Self.s))
    try shell.succeed("apply", "st", "d2.json", "--drop")
    try shell.succeed("apply", "st", "d.json")
    for _ in 0..<2 {
      #expect(try got(shell, 1) == ["x": "null", "s": "A"])
      try expectParity(shell)
      try shell.succeed("materialize", "st")
    }
  }

  @Test func aRollbackAndItsRollbackAreFollowed() throws {
    let shell = try shell("1,2026-01-01,11,A\n")
    try append(shell, "2,2026-01-01,22,B\n")
    try shell.succeed("rollback", "st", "--to", "2", "--yes")
    try shell.succeed("materialize", "st")
    #expect(try got(shell, 2) == nil)
    let back = try shell.succeed("rollback", "st", "--to", "3", "--yes")
    #expect(back.output.contains("online table of a is behind: run `larder materialize`"))
    let run = try shell.succeed("materialize", "st")
    #expect(run.output.contains("recomputed"))
    #expect(try got(shell, 2) == ["x": "22", "s": "B"])
    try expectParity(shell)
  }

  @Test func aReplacementIsFollowed() throws {
    let shell = try shell("1,2026-01-01,11,A\n2,2026-01-05,22,B\n")
    try shell.succeed("materialize", "st")
    try shell.write("rows.csv", "uid,ts,x,s\n2,2026-01-01,99,Bnew\n")
    let replaced = try shell.succeed("import", "st", "a", "rows.csv", "--replace")
    #expect(replaced.notes.contains("online table of a is behind"))
    try shell.succeed("materialize", "st")
    #expect(try got(shell, 1) == nil)
    #expect(try got(shell, 2) == ["x": "99", "s": "Bnew"])
    try expectParity(shell)
    // Nothing was changed since: only what is new is read.
    #expect(try !shell.succeed("materialize", "st").output.contains("recomputed"))
  }

  @Test func badRowsAreRolledBack() throws {
    let shell = try shell("1,2025-01-01,1,A\n2,2025-01-01,2,B\n")
    try append(shell, "1,2025-06-01,666,bad\n9,2025-06-01,999,bad\n")
    try shell.succeed("materialize", "st")
    try shell.succeed("rollback", "st", "--to", "2", "--yes")
    try shell.succeed("materialize", "st")
    #expect(try got(shell, 1) == ["x": "1", "s": "A"])
    #expect(try got(shell, 9) == nil)
    try shell.succeed("materialize", "st", "--from", "2000-01-01")
    #expect(try got(shell, 9) == nil)
    try expectParity(shell)
  }

  @Test func anEarlierTimeNeedsFull() throws {
    let shell = try shell("1,2026-01-01,11,A\n1,2026-01-05,22,B\n")
    try shell.succeed("materialize", "st", "--to", "2026-01-06")
    try shell.write("put.csv", "uid,ts,s\n1,2026-01-03,D\n3,2026-01-03,E\n")
    try shell.succeed("put", "st", "a", "put.csv")
    try shell.succeed("materialize", "st", "--to", "2026-01-02")
    #expect(try got(shell, 1) == ["x": "22", "s": "B"])
    try shell.refuse(
      "materialize", "st", "--full", "--from", "2026-01-01", code: 2, saying: ["--full"])
    try shell.succeed("materialize", "st", "--full", "--to", "2026-01-02")
    #expect(try got(shell, 1) == ["x": "11", "s": "A"])
    #expect(try got(shell, 3) == ["x": "null", "s": "E"])
    try expectParity(shell)
  }

  @Test func aTableIsDropped() throws {
    let shell = try shell("1,2026-01-01,11,A\n")
    try shell.refuse("online", "st", "--drop", code: 2, saying: ["Name the view"])
    #expect(try shell.succeed("online", "st", "a", "--drop").output.contains("no online table"))
    try shell.succeed("materialize", "st")
    let dry = try shell.succeed("online", "st", "a", "--drop", "--dry-run")
    #expect(dry.output.contains("would drop") && dry.output.contains("1 key"))
    try shell.refuse("online", "st", "a", "--drop", code: 2, saying: ["--yes"])
    #expect(try got(shell, 1) != nil)
    try shell.succeed("online", "st", "a", "--drop", "--yes")
    try shell.refuse("get", "st", "a", "uid=1", code: 4, saying: ["larder materialize"])
    try shell.succeed("materialize", "st")
    #expect(try got(shell, 1) == ["x": "11", "s": "A"])
  }

  @Test func aRowThatIsTooLargeIsNamedAndLeftOut() throws {
    let shell = try shell("1,2026-01-01,11,A\n")
    try shell.succeed("materialize", "st")
    let long = String(repeating: "x", count: 17 << 20)
    try append(shell, "1,2026-01-02,12,\(long)\n2,2026-01-02,22,B\n")
    let run = try shell.run(["materialize", "st"])
    #expect(run.exitCode == 1 && run.notes.contains("left out: a uid=1 s: "), "\(run.notes)")
    #expect(run.notes.contains("16 MiB"))
    #expect(try got(shell, 1) == nil)
    #expect(try got(shell, 2) == ["x": "22", "s": "B"])
  }
}
