import Foundation
import Testing

/// Parquet, Arrow and CSV files through the commands.
@Suite struct FormatTests {
  static let endings = ["parquet", "arrow", "arrows", "csv"]

  /// A store with the rows of `CommandTests`.
  private func shell() throws -> Shell {
    let shell = try Shell()
    try shell.write("definitions.json", CommandTests.definitions)
    try shell.write("rows.csv", CommandTests.rows)
    try shell.write("spine.csv", CommandTests.spine)
    try shell.succeed("apply", "s", "definitions.json")
    try shell.succeed("import", "s", "stats", "rows.csv", "--null", "NA")
    return shell
  }

  @Test(arguments: endings)
  func historyComesBackFromEachFormat(ending: String) throws {
    let shell = try shell()
    let history = try shell.succeed("export", "s", "stats").output
    try shell.succeed("export", "s", "stats", "-o", "out.\(ending)")
    // What a file holds is told by its content.
    try shell.succeed("import", "s", "stats", "out.\(ending)", "--replace", "--dry-run")
    try FileManager.default.moveItem(
      at: shell.directory.appendingPathComponent("out.\(ending)"),
      to: shell.directory.appendingPathComponent("unnamed"))
    try shell.succeed("apply", "copy", "definitions.json")
    let imported = try shell.succeed("import", "copy", "stats", "unnamed")
    #expect(imported.notes.contains("imported 3 rows as commit"), "\(imported.notes)")
    #expect(try shell.succeed("export", "copy", "stats").output == history)
    let piped = try Data(contentsOf: shell.directory.appendingPathComponent("unnamed"))
    if ending != "csv" {
      #expect(piped.starts(with: ending == "parquet" ? Data("PAR1".utf8) : piped.prefix(4)))
    }
  }

  @Test(arguments: ["parquet", "arrow", "arrow-stream", "csv"])
  func formatIsChosenByName(format: String) throws {
    let shell = try shell()
    try shell.succeed("export", "s", "stats", "-o", "out.data", "--format", format)
    let lead = try Data(contentsOf: shell.directory.appendingPathComponent("out.data")).prefix(4)
    let leads = [
      "parquet": Array("PAR1".utf8), "arrow": Array("ARRO".utf8),
      "arrow-stream": [255, 255, 255, 255], "csv": Array("id,r".utf8),
    ]
    #expect(Array(lead) == leads[format])
    let refused = try shell.run(["export", "s", "stats", "--format", "excel"])
    #expect(refused.exitCode == 2)
  }

  /// The same query from each format to each.
  @Test(arguments: endings, endings)
  func spinesOfEachFormatGiveTheSameAnswer(from: String, to: String) throws {
    let shell = try shell()
    let features = ["--features", "stats:rate,stats:note"]
    // The spine in another format is a join that asks for something and leaves it out again.
    let plain =
      "id,event_timestamp,label,x\n"
      + (0..<40).map { "\($0 % 4),2026-01-01T\(10 + $0 % 12):00:00Z,\($0 * 3),v\($0 % 3)\n" }
      .joined()
    try shell.write("plain.csv", plain)
    try shell.succeed(["join", "s", "plain.csv", "-o", "expected.csv"] + features)
    try shell.succeed(
      "join", "s", "plain.csv", "-o", "spine.\(from)", "--features", "stats:rate", "--full-names")
    let spine = try shell.succeed(["join", "s", "spine.\(from)", "-o", "out.\(to)"] + features)
    #expect(spine.notes.contains("40 rows"))
    // Whatever the format of the answer, as CSV it is what the text gave.
    try shell.write(
      "label.json",
      #"""
      {"entities": [{"name": "driver", "joinKeys": [{"name": "id", "type": "int64"}]}],
       "featureViews": [{"name": "rows", "entities": ["driver"], "timestamp": "event_timestamp",
         "features": [{"name": "label", "type": "int64"}, {"name": "x", "type": "string"},
                      {"name": "rate", "type": "float64"}, {"name": "note", "type": "string"}]}]}
      """#)
    for (name, file) in [("a", "out.\(to)"), ("b", "expected.csv")] {
      try shell.succeed("apply", name, "label.json")
      try shell.succeed("import", name, "rows", file)
    }
    #expect(
      try shell.succeed("export", "a", "rows").output
        == shell.succeed("export", "b", "rows").output)
  }

  @Test func foldersAndSeveralFilesAreOneCommit() throws {
    let shell = try shell()
    let files = FileManager.default
    let folder = shell.directory.appendingPathComponent("history/2026")
    try files.createDirectory(at: folder, withIntermediateDirectories: true)
    try shell.succeed("export", "s", "stats", "-o", "history/a.parquet")
    try shell.succeed("export", "s", "stats", "-o", "history/2026/b.arrow")
    try shell.write("history/2026/c.csv", "id,t,known,rate,note\n7,2026-01-01,,1,x\n")
    try shell.write("history/README.md", "# not a table\n")
    try shell.write("history/_SUCCESS", "")
    try shell.succeed("apply", "copy", "definitions.json")
    let imported = try shell.succeed(
      "import", "copy", "stats", "history", "rows.csv", "--null", "NA", "--skip-unreadable")
    #expect(imported.notes.contains("imported 10 rows as commit 2"), "\(imported.notes)")
    #expect(imported.notes.contains("left out: history/README.md"))
    #expect(!imported.notes.contains("_SUCCESS"))
    // One bad file, and nothing of the others is there.
    try shell.write("history/z.parquet", "PAR1 and then nothing of the kind")
    try shell.refuse(
      "import", "copy", "stats", "history", "--skip-unreadable", code: 3,
      saying: ["history/z.parquet"])
    #expect(try shell.succeed("export", "copy", "stats").output.split(separator: "\n").count == 11)
    try files.createDirectory(
      at: shell.directory.appendingPathComponent("empty"), withIntermediateDirectories: true)
    try shell.refuse("import", "copy", "stats", "empty", code: 3, saying: ["empty", "no Parquet"])
  }

  @Test func flawsAreToldWithFileColumnAndRow() throws {
    let shell = try shell()
    try shell.write(
      "times.csv", "id,t,known,rate\n1,2026-01-01,,1\n2,2026-01-01T00:00:00.000000001Z,,2\n")
    try shell.write(
      "ns.json",
      CommandTests.definitions.replacingOccurrences(
        of: "\"timestamp\": \"t\"", with: "\"timestamp\": \"t\", \"timeUnit\": \"ns\""))
    try shell.succeed("apply", "n", "ns.json")
    try shell.succeed("import", "n", "stats", "times.csv")
    try shell.succeed("export", "n", "stats", "-o", "fine.parquet")
    try shell.refuse(
      "import", "s", "stats", "fine.parquet", code: 3,
      saying: ["fine.parquet", "column \"t\"", "row 1", "\"timeUnit\": \"ns\""])
    try shell.refuse(
      "import", "s", "stats", "fine.parquet", "--on-error", "skip", code: 2,
      saying: ["fine.parquet", "Only rows of CSV can be skipped"])
    try shell.refuse(
      "import", "s", "stats", "fine.parquet", "--map", "rate=speed", code: 3,
      saying: ["fine.parquet", "no column \"speed\"", "--map rate=COLUMN"])
    try shell.refuse(
      "join", "s", "fine.parquet", "--features", "stats:note", code: 4,
      saying: ["event_timestamp"])
  }

  @Test func integersOfANamedUnitAreTimes() throws {
    let shell = try shell()
    try shell.write("ticks.csv", "id,event_timestamp,x\n1,1767225600,a\n2,1767225600,\n")
    try shell.succeed(
      "join", "s", "ticks.csv", "--time-unit", "s", "--features", "stats:note", "-o", "t.parquet")
    try shell.refuse(
      "join", "s", "t.parquet", "--features", "stats:rate", code: 3,
      saying: ["t.parquet", "event_timestamp", "--time-unit"])
    let answer = try shell.succeed(
      "join", "s", "t.parquet", "--time-unit", "s", "--features", "stats:rate")
    // The spine's column is still the integers it was.
    #expect(
      answer.output == #"""
        id,event_timestamp,x,note,rate
        1,1767225600,a,"a, ""b""",0.5
        2,1767225600,,"",1e+300

        """#)
    try shell.refuse(
      "import", "s", "stats", "t.parquet", "--map", "t=event_timestamp", "--map", "known=x",
      code: 3,
      saying: ["--time-unit"])
  }
}

extension Shell {
  /// Runs a command that must succeed.
  @discardableResult
  func succeed(
    _ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Result {
    let result = try run(arguments)
    #expect(result.exitCode == 0, "\(arguments): \(result.notes)", sourceLocation: sourceLocation)
    return result
  }
}
