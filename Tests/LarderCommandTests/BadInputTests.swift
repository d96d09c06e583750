import Foundation
import Testing

/// Bad input is refused with the right exit code and words that help, and nothing is changed.
@Suite struct BadInputTests {
  private func shell() throws -> Shell {
    let shell = try Shell()
    try shell.write("definitions.json", CommandTests.definitions)
    try shell.write("rows.csv", "id,t,known,rate,note\n1,1970-01-01,,0.5,a\n")
    try shell.write("spine.csv", "id,event_timestamp\n1,1970-01-01\n")
    try shell.succeed("apply", "s", "definitions.json")
    try shell.succeed("import", "s", "stats", "rows.csv")
    return shell
  }

  @Test func namesTheNearest() throws {
    let shell = try shell()
    try shell.refuse(
      "import", "s", "stast", "rows.csv", code: 4, saying: ["Did you mean \"stats\"?"])
    try shell.refuse(
      "join", "s", "spine.csv", "--features", "stats:rat", code: 4,
      saying: ["Did you mean \"rate\"?"])
    try shell.refuse(
      "join", "s", "spine.csv", "--features", "stat:rate", code: 4,
      saying: ["Did you mean \"stats\"?"])
    try shell.refuse(
      "join", "s", "spine.csv", "--service", "modle", code: 4, saying: ["Did you mean \"model\"?"])
    try shell.refuse(
      "join", "s", "spine.csv", "--features", "stats:rate", "--timestamp", "event_timestmp",
      code: 4, saying: ["Did you mean \"event_timestamp\"?"])
    try shell.refuse("export", "s", "stats", "--at", "99", code: 4, saying: ["commit 99"])
  }

  @Test(arguments: [
    (
      "id,t,known,rate\n1,1970-01-01,,0.5\n1,1970-01-01,,x\n",
      ["in.csv:3", "column \"rate\"", "\"x\"", "float64"]
    ),
    ("id,t,known,rate\n1,,,0.5\n", ["in.csv:2", "column \"t\"", "null"]),
    ("id,t,known,rate\n,1970-01-01,,0.5\n", ["in.csv:2", "column \"id\"", "null"]),
    ("id,t,known,rate\n1001.5,0,,0.5\n", ["in.csv:2", "column \"id\"", "\"1001.5\"", "int64"]),
    (
      "id,t,known,rate\n1,2026-01-01T00:00:00.0000001Z,,1\n",
      ["in.csv:2", "\"timeUnit\": \"ns\""]
    ),
    ("id,t,known,rate,rate\n1,1970-01-01,,1,2\n", ["in.csv:1", "column \"rate\"", "twice"]),
    ("id,t,known,rate\n1,0\n", ["in.csv:2", "2 cells", "4"]),
    ("", ["in.csv", "empty"]),
    ("id,known,rate\n1,,1\n", ["in.csv:1", "no column \"t\"", "--map"]),
    ("id,t,rate\n1,1970-01-01,1\n", ["in.csv:1", "no column \"known\"", "--map"]),
  ])
  func refusesRows(_ text: String, _ words: [String]) throws {
    let shell = try shell()
    try shell.write("in.csv", text)
    let before = try shell.files("s")
    try shell.refuse("import", "s", "stats", "rows.csv", "in.csv", code: 3, saying: words)
    #expect(try shell.files("s").withoutAdvice == before.withoutAdvice)
  }

  @Test func refusesWhatIsNotUTF8() throws {
    let shell = try shell()
    try shell.write("in.csv", Data("id,t,known,note\n1,1970-01-01,,\"".utf8 + [0xE9] + "\"\n".utf8))
    try shell.refuse(
      "import", "s", "stats", "in.csv", code: 3, saying: ["in.csv:2", "not UTF-8"])
  }

  @Test func namesTheLineOfWhatTheStoreRefuses() throws {
    let shell = try Shell()
    let definitions = CommandTests.definitions.replacingOccurrences(of: "int64", with: "string")
    try shell.write("definitions.json", definitions)
    try shell.succeed("apply", "s", "definitions.json")
    let before = try shell.files("s")
    // A quoted line end, so that lines and rows differ; more bytes than a key may have.
    let long = String(repeating: "k", count: 70_000)
    try shell.write("in.csv", "t,known,note,key\n1970-01-01,,\"a\nb\",x\n1970-01-01,,,\(long)\n")
    try shell.refuse(
      "import", "s", "stats", "in.csv", "--map", "id=key", code: 7,
      saying: ["in.csv:4", "column \"key\"", "65536 bytes"])
    #expect(try shell.files("s").withoutAdvice == before.withoutAdvice)
  }

  @Test func limitsTheColumnsOfAFile() throws {
    let shell = try shell()
    for (count, code) in [(16_383, 0), (16_384, 0), (16_385, 7)] {
      let names = ["id", "t", "known", "rate"] + (4..<count).map { "c\($0)" }
      let cells = "1,1970-01-01,,1" + String(repeating: ",", count: count - 4)
      try shell.write("in.csv", names.joined(separator: ",") + "\n" + cells + "\n")
      let result = try shell.run(["import", "s", "stats", "in.csv"])
      #expect(result.exitCode == code, "\(count): \(result.notes.prefix(300))")
    }
  }

  @Test func refusesDefinitions() throws {
    let shell = try shell()
    try shell.write("bad.json", "{\"featureViews\": [\n  {\"name\": \"v\", \"tll\": \"3h\"}]}")
    try shell.refuse("apply", "s", "bad.json", code: 3, saying: ["bad.json:2:17", "tll"])
    let before = try shell.files("s")
    let narrowed = CommandTests.definitions.replacingOccurrences(of: "float64", with: "float32")
    try shell.write("narrow.json", narrowed)
    try shell.refuse("apply", "s", "narrow.json", code: 3, saying: ["rate", "float64"])
    let fewer = CommandTests.definitions.replacingOccurrences(
      of: ",\n                                {\"name\": \"note\", \"type\": \"string\"}", with: "")
    try shell.write("fewer.json", fewer)
    if fewer != CommandTests.definitions {
      try shell.refuse("apply", "s", "fewer.json", code: 3, saying: ["note", "drop"])
    }
    try shell.refuse("apply", "s", "absent.json", code: 4, saying: ["absent.json"])
    #expect(try shell.files("s").withoutAdvice == before.withoutAdvice)
  }

  @Test func refusesSpines() throws {
    let shell = try shell()
    let join = { (text: String, code: Int32, words: [String]) in
      try shell.write("in.csv", text)
      try shell.refuse(
        "join", "s", "in.csv", "--features", "stats:rate", code: code, saying: words)
    }
    try join("id,event_timestamp\n1,1970-01-01\n1001.5,1970-01-01\n", 3, ["in.csv:3", "1001.5"])
    try join("id,event_timestamp\n1,yesterday\n", 3, ["in.csv:2", "yesterday"])
    try join("id,event_timestamp\n1,5\n", 3, ["in.csv:2", "--time-unit"])
    try join("event_timestamp\n1970-01-01\n", 4, ["no column \"id\""])
    try join("id,event_timestamp,rate\n1,1970-01-01,2\n", 2, ["rate", "--full-names"])
    try join("", 3, ["empty"])
  }

  @Test func refusesStores() throws {
    let shell = try shell()
    try shell.refuse("views", "absent", code: 4, saying: ["absent"])
    try shell.refuse("views", "rows.csv", code: 8, saying: ["rows.csv"])
    try FileManager.default.createDirectory(
      at: shell.directory.appendingPathComponent("full"), withIntermediateDirectories: true)
    try shell.write("full/letter.txt", "hello")
    try shell.refuse("apply", "full", "definitions.json", code: 8, saying: ["full"])
    try shell.refuse("apply", "rows.csv", "definitions.json", code: 8, saying: ["rows.csv"])
    #expect(try shell.files("full").contents == ["letter.txt": Data("hello".utf8)])
  }

  @Test func refusesUsage() throws {
    let shell = try shell()
    try shell.refuse("frobnicate", code: 2, saying: ["frobnicate"])
    try shell.refuse("join", "s", code: 2, saying: ["--features"])
    try shell.refuse("join", "s", "--features", "stats:rate", code: 2, saying: ["--from"])
    try shell.refuse(
      "join", "s", "spine.csv", "--features", "rate", code: 2, saying: ["view:feature"])
    try shell.refuse(
      "join", "s", "spine.csv", "--features", "stats:rate", "--memory", "lots", code: 2,
      saying: ["--memory"])
    try shell.refuse(
      "import", "s", "stats", "rows.csv", "--delimiter", "ab", code: 2, saying: ["one character"])
    #expect(try shell.succeed("--version").output.hasPrefix("larder "))
    #expect(try shell.succeed("help", "join").output.contains("EXAMPLES"))
  }
}
