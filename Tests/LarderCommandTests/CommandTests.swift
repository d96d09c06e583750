import Foundation
import Testing

/// The main job at the command line, on real data and small data.
@Suite struct CommandTests {
  static let definitions = """
    {"entities": [{"name": "driver", "joinKeys": [{"name": "id", "type": "int64"}]}],
     "featureViews": [{"name": "stats", "entities": ["driver"], "timeToLive": "1d",
                       "timestamp": "t", "created": "known",
                       "features": [{"name": "rate", "type": "float64"},
                                    {"name": "note", "type": "string"}]}],
     "featureServices": [{"name": "model", "features": ["stats:rate"]}]}
    """
  static let rows = #"""
    id,t,known,rate,note
    1,2026-01-01T00:00:00Z,,0.5,"a, ""b"""
    1,2026-01-01T12:00:00+01:00,2026-01-02,NA,
    2,2026-01-01,2026-01-01,1e300,""

    """#
  static let spine = """
    "what",id,event_timestamp,x
    "first, quoted", 1 ,2026-01-01T10:59:59.999999Z,
    second,1,2026-01-01 11:00,""
    third,2,2026-01-02,3
    fourth,2,2026-01-02T00:00:00.000001Z,4
    fifth,3,2026-01-01,5
    sixth,,2026-01-01,6
    seventh,1,,7

    """

  /// A store with the rows above.
  private func shell() throws -> Shell {
    let shell = try Shell()
    try shell.write("definitions.json", Self.definitions)
    try shell.write("rows.csv", Self.rows)
    try shell.write("spine.csv", Self.spine)
    try shell.succeed("apply", "s", "definitions.json")
    try shell.succeed("import", "s", "stats", "rows.csv", "--null", "NA")
    return shell
  }

  @Test func joinsRepeatingTheSpineByteForByte() throws {
    let shell = try shell()
    let join = try shell.succeed("join", "s", "spine.csv", "--features", "stats:rate,stats:note")
    #expect(
      join.output == #"""
        "what",id,event_timestamp,x,rate,note
        "first, quoted", 1 ,2026-01-01T10:59:59.999999Z,,0.5,"a, ""b"""
        second,1,2026-01-01 11:00,"",,
        third,2,2026-01-02,3,1e+300,""
        fourth,2,2026-01-02T00:00:00.000001Z,4,,
        fifth,3,2026-01-01,5,,
        sixth,,2026-01-01,6,,
        seventh,1,,7,,

        """#)
    #expect(join.notes.contains("7 rows") && join.notes.contains("stats: 3 matched"))
  }

  @Test func saysWhyAndWhen() throws {
    let shell = try shell()
    let join = try shell.succeed(
      "join", "s", "spine.csv", "--service", "model", "--with-status", "--with-event-times",
      "--full-names")
    let lines = join.output.split(separator: "\n")
    #expect(lines[0].hasSuffix(",stats__rate,stats__event_timestamp,stats__status"))
    #expect(lines[1].hasSuffix(",0.5,2026-01-01T00:00:00Z,present"))
    #expect(lines[2].hasSuffix(",,2026-01-01T11:00:00Z,present"))
    #expect(lines[4].hasSuffix(",,,expired"))
    #expect(lines[5].hasSuffix(",,,noEntity"))
    let known = try shell.succeed(
      "join", "s", "-", "--features", "stats:rate", "--as-known", "--with-status",
      input: "id,event_timestamp\n2,2025-12-31\n1,2026-01-01T13:00:00Z\n2,2026-01-01\n")
    #expect(
      known.output.split(separator: "\n").dropFirst().map { $0.split(separator: ",").last }
        == ["onlyLater", "notYetKnown", "present"])
  }

  @Test func joinsWithoutASpineAndThroughAProjection() throws {
    let shell = try shell()
    let range = try shell.succeed(
      "join", "s", "--from", "2026-01-01", "--to", "2026-01-01T11:00:00Z", "--features",
      "stats:rate")
    #expect(
      range.output == """
        id,event_timestamp,rate
        1,2026-01-01T00:00:00Z,0.5
        2,2026-01-01T00:00:00Z,1e+300
        1,2026-01-01T11:00:00Z,

        """)
    let both = try shell.succeed(
      "join", "s", "-", "--features", "stats:rate,other:rate", "--project", "other=stats,id:rival",
      "--full-names", "--timestamp", "when", "--time-unit", "s",
      input: "id,rival,when\n1,2,1767225600\n")
    #expect(both.output == "id,rival,when,stats__rate,other__rate\n1,2,1767225600,0.5,1e+300\n")
  }

  @Test func exportsWhatItImports() throws {
    let shell = try shell()
    try shell.succeed("export", "s", "stats", "-o", "out.csv")
    try shell.succeed("apply", "copy", "definitions.json")
    try shell.succeed("import", "copy", "stats", "out.csv")
    let again = try shell.succeed("export", "copy", "stats")
    #expect(try shell.read("out.csv") == again.output)
    #expect(again.output.split(separator: "\n").count == 4)
    let part = try shell.succeed("export", "s", "stats", "--from", "2026-01-01T00:00:00.000001Z")
    #expect(part.output.split(separator: "\n").count == 2)
  }

  @Test func importsReplacesAndKeepsThePast() throws {
    let shell = try shell()
    let dry = try shell.succeed("import", "s", "stats", "rows.csv", "--null", "NA", "--dry-run")
    #expect(dry.notes.contains("read 3 rows") && dry.notes.contains("nothing was changed"))
    let imported = try shell.succeed(
      "import", "s", "stats", "-", "--replace", input: "t,id,known,rate\n1970-01-01,9,,9\n")
    #expect(imported.notes.contains("has no column \"note\"; it is null"))
    let commit = try #require(
      imported.notes.split(separator: " ").drop { $0 != "commit" }.dropFirst().first
        .flatMap { Int($0) })
    #expect(try shell.succeed("export", "s", "stats").output.split(separator: "\n").count == 2)
    let past = try shell.succeed("export", "s", "stats", "--at", "\(commit - 1)")
    #expect(past.output.split(separator: "\n").count == 4)
  }

  @Test func importsManyFilesAsOneCommit() throws {
    let shell = try shell()
    try shell.write("more.csv", "when;who;known;rate;note\n1;5;;-;x\n2;5;;NULL;\n")
    try shell.write("last.csv", "known;note;rate;who;when\n;y;0x1p-2;6;3\n")
    let imported = try shell.succeed(
      "import", "s", "stats", "more.csv", "last.csv", "--delimiter", ";", "--null", "-", "--null",
      "NULL", "--map", "id=who", "--map", "t=when", "--time-unit", "us")
    #expect(imported.notes.contains("imported 3 rows as commit 3 in "))
    let head = try shell.succeed("export", "s", "stats", "--to", "1970-01-02").output
    #expect(
      head.split(separator: "\n").dropFirst() == [
        "5,,x,1970-01-01T00:00:00.000001Z,", "5,,,1970-01-01T00:00:00.000002Z,",
        "6,0.25,y,1970-01-01T00:00:00.000003Z,",
      ])
    let before = try shell.succeed("export", "s", "stats", "--at", "2", "--to", "1970-01-02")
    #expect(before.output.split(separator: "\n").count == 1)
  }

  @Test func showsProgressOnTerminalsOnly() throws {
    let shell = try shell()
    let available = try shell.bash("script -qec true /dev/null")
    guard available.exitCode == 0 else {
      print("SKIPPED: a terminal needs the command script: \(available.notes)")
      return
    }
    // Two batches, the second late enough for the line to be due.
    let rows = "seq -f '%.0f,1970-01-01,,1,x' 66000"
    let feed = "{ echo id,t,known,rate,note; \(rows); sleep 1; \(rows); } > slow &"
    let command = "\(Shell.command.path) import s stats slow"
    let seen = try shell.bash("mkfifo slow; \(feed) script -qec '\(command)' seen > /dev/null")
    #expect(seen.exitCode == 0)
    #expect(try shell.read("seen").contains("\r\u{1B}[Kimport  "))
    #expect(try shell.read("seen").contains("rows/s"))
    let unseen = try shell.bash("\(feed) \(command)")
    #expect(unseen.notes.hasPrefix("imported 132,000 rows") && !unseen.notes.contains("\r"))
  }

  @Test func skipsBadRowsWhenAskedTo() throws {
    let shell = try shell()
    try shell.write(
      "bad.csv", "id,t,known,rate\n1,1970-01-01,,1\nx,1970-01-01,,1\n2,0\n3,1970-01-01,,3\n")
    try shell.refuse("import", "s", "stats", "bad.csv", code: 3, saying: ["bad.csv:3"])
    let skipped = try shell.succeed("import", "s", "stats", "bad.csv", "--on-error", "skip")
    #expect(skipped.notes.contains("2 rows left out"))
    #expect(skipped.notes.contains("1  column \"id\": not an int64"))
    #expect(skipped.notes.contains("imported 2 rows"))
  }

  @Test func appliesAndDrops() throws {
    let shell = try shell()
    #expect(try shell.succeed("apply", "s", "definitions.json").notes == "nothing to change\n")
    let renamed = Self.definitions.replacingOccurrences(
      of: "\"name\": \"note\"", with: "\"name\": \"remark\", \"formerly\": \"note\"")
    try shell.write("renamed.json", renamed)
    let dry = try shell.succeed("apply", "s", "renamed.json", "--dry-run")
    #expect(dry.notes.contains("renamed feature stats:remark"), "\(dry.notes)")
    try shell.succeed("apply", "s", "renamed.json")
    let join = try shell.succeed("join", "s", "spine.csv", "--features", "stats:remark")
    #expect(join.output.contains(",\"a, \"\"b\"\"\"\n"))
    let views = try shell.succeed("views", "s", "--json")
    #expect(views.output.contains("\"remark\""))
    try shell.refuse("drop", "s", "stats", code: 2, saying: ["--yes"])
    try shell.succeed("drop", "s", "stats", "--yes")
    try shell.refuse(
      "join", "s", "spine.csv", "--features", "stats:rate", code: 4, saying: ["stats"])
  }

  @Test func explainsWithoutAnswering() throws {
    let explained = try shell().succeed(
      "join", "s", "spine.csv", "--features", "stats:*", "--explain")
    #expect(explained.output.contains("stats") && !explained.output.contains("quoted"))
  }

  @Test func saysWhyARowAnswers() throws {
    let shell = try shell()
    let present = try shell.succeed("why", "s", "stats", "id=1", "--at", "2026-01-01T10:00:00Z")
    #expect(
      present.output == """
        stats id=1 at 2026-01-01T10:00:00Z: present
        It is the only row that is not later and within the time to live.

        event time            created               rate  note    verdict
        2026-01-01T11:00:00Z  2026-01-02T00:00:00Z  -     -       later than asked for
        2026-01-01T00:00:00Z  -                     0.5   a, "b"  answers

        """)
    let expired = try shell.succeed("why", "s", "stats", "id=2", "--at", "2026-01-03")
    #expect(expired.output.contains("2026-01-03T00:00:00Z: expired"))
    let unknown = try shell.succeed(
      "why", "s", "stats", "id=1", "--at", "2026-01-01T10:00:00Z", "--as-known")
    #expect(unknown.output.contains("notYetKnown"))
    #expect(
      try shell.succeed("why", "s", "stats", "id=9", "--at", "2026-01-03").output
        .contains("noEntity"))
    try shell.refuse("why", "s", "stats", "ids=1", "--at", "2026-01-03", code: 4, saying: ["id"])
    try shell.refuse("why", "s", "stats", "--at", "2026-01-03", code: 2, saying: ["id=VALUE"])
    try shell.refuse(
      "why", "s", "stats", "id=1.5", "--at", "2026-01-03", code: 2, saying: ["int64"])
  }

  @Test func informsAndVerifies() throws {
    let shell = try shell()
    let info = try shell.succeed("info", "s")
    #expect(info.output.contains("VIEW") && info.output.contains("2026-01-01T11:00:00Z"))
    let detail = try shell.succeed("info", "s", "stats")
    #expect(detail.output.contains("rate") && detail.output.contains("ENCODINGS"))
    let json = try shell.succeed("info", "s", "--json").output
    let read = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
    let views = read?["views"] as? [[String: Any]]
    #expect(views?.first?["rows"] as? Int == 3)
    try shell.refuse("info", "s", "stast", code: 4, saying: ["Did you mean \"stats\"?"])
    #expect(try shell.succeed("verify", "s").output.contains("all is well"))
    let folder = shell.directory.appendingPathComponent("s/offline")
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
    let segment = folder.appendingPathComponent(try #require(names.first { $0.hasSuffix(".seg") }))
    var bytes = try Data(contentsOf: segment)
    bytes[bytes.count / 2] ^= 1
    try bytes.write(to: segment)
    let broken = try shell.run(["verify", "s", "--json"])
    #expect(broken.exitCode == 1, "\(broken.notes)")
    #expect(broken.output.contains(segment.lastPathComponent))
  }

  @Test func endsQuietlyWhenItsReaderGoes() throws {
    let shell = try shell()
    let line = "\(Shell.command.path) export s stats | head -n 1; echo ${PIPESTATUS[0]}"
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", line]
    process.currentDirectoryURL = shell.directory
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    process.waitUntilExit()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let lines = text.split(separator: "\n")
    #expect(lines.first == "id,rate,note,t,known")
    #expect(["0", "141"].contains(lines.last))
  }

  @Test func commitsNothingWhenInterrupted() throws {
    let shell = try shell()
    let before = try shell.succeed("export", "s", "stats").output
    let process = Process()
    process.executableURL = Shell.command
    process.arguments = ["import", "s", "stats", "-"]
    process.currentDirectoryURL = shell.directory
    let input = Pipe()
    let notes = Pipe()
    process.standardInput = input
    process.standardError = notes
    try process.run()
    // Far more than a pipe holds: when this returns, the command is reading.
    let rows = String(repeating: "1,0,,1,x\n", count: 30_000)
    try input.fileHandleForWriting.write(contentsOf: Data("id,t,known,rate,note\n\(rows)".utf8))
    process.interrupt()
    process.waitUntilExit()
    try input.fileHandleForWriting.close()
    #expect(process.terminationStatus == 130)
    let text = String(decoding: notes.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    #expect(text.contains("interrupted"), "\(text)")
    #expect(try shell.succeed("export", "s", "stats").output == before)
  }

  @Test func demoChecksItself() throws {
    let shell = try Shell()
    let folders = ["weather", "credit", "markets", "driver_stats"]
    for folder in folders {
      let source = Shell.root.appendingPathComponent("fixtures/\(folder)")
      try FileManager.default.createDirectory(
        at: shell.directory.appendingPathComponent("data/\(folder)"),
        withIntermediateDirectories: true)
      for name in try FileManager.default.contentsOfDirectory(atPath: source.path)
      where ["csv", "json", "md", "txt"].contains((name as NSString).pathExtension) {
        let text = try String(contentsOf: source.appendingPathComponent(name), encoding: .utf8)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let kept = name.hasSuffix(".csv") ? Array(lines.prefix(300)) : lines
        try shell.write("data/\(folder)/\(name)", kept.joined(separator: "\n"))
      }
    }
    let demo = try shell.succeed("demo", "--data", "data", "--store", "kept")
    #expect(demo.output.contains("no difference"))
    #expect(try shell.succeed("views", "kept").output.contains("natural_gas"))
    try shell.refuse("demo", code: 4, saying: ["--data"])
    try shell.refuse("demo", "--data", "data", "--store", "kept", code: 3, saying: ["already"])
  }
}
