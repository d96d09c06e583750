import Foundation
import Larder
import Testing

/// Views made of files: `schema`, `define`, and the three commands of README.md.
@Suite struct SchemaTests {
  static let zipcodes = Shell.fixture("credit/zipcodes")

  @Test func showsColumnsAndProposesAView() throws {
    let shell = try Shell()
    let schema = try shell.succeed("schema", Self.zipcodes)
    let lines = schema.output.split(separator: "\n").map(String.init)
    #expect(lines[0].split(separator: " ") == ["COLUMN", "TYPE", "NOTE"])
    #expect(lines[1].split(separator: " ") == ["zipcode", "int64"])
    #expect(lines[8].split(separator: " ") == ["event_timestamp", "timestamp"])
    #expect(schema.output.contains("4-duckdb.parquet: Parquet, 7,211 rows, 1 row group, by DuckDB"))
    #expect(
      lines.last?.hasSuffix("--timestamp event_timestamp --created created_timestamp") == true)
    let read = try shell.succeed("schema", Self.zipcodes, "--read", "--threads", "1")
    #expect(read.notes.hasPrefix("read 28,844 rows in "))
    let text = try shell.succeed("schema", Shell.fixture("weather/weather.csv"), "--null", "NA")
    #expect(text.output.contains("\norigin      string\n"), "\(text.output)")
    #expect(text.output.contains("\ntemp        float64\n"))
    #expect(text.output.contains("\ntime_hour   timestamp\n"))
    #expect(text.output.contains("CSV, 26,115 rows"))
  }

  @Test func showsWhatIsNotRead() throws {
    let shell = try Shell()
    let types = try shell.succeed("schema", Shell.fixture("arrow/types.arrow"))
    #expect(types.output.contains("no zone; taken for UTC"))
    try shell.write("bad.parquet", "PAR1 and then nothing of the kind")
    try shell.refuse("schema", "bad.parquet", code: 3, saying: ["bad.parquet", "PAR1"])
    try shell.refuse("schema", "missing.parquet", code: 4, saying: ["missing.parquet"])
  }

  @Test func jsonIsWhatApplyReads() throws {
    let shell = try Shell()
    let json = try shell.succeed("schema", Shell.fixture("driver_stats/driver_stats.csv"), "--json")
    let root = try #require(
      try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    let definitions = try #require(root["definitions"])
    try shell.write("d.json", try JSONSerialization.data(withJSONObject: definitions))
    try shell.succeed("apply", "s", "d.json")
    let imported = try shell.succeed(
      "import", "s", "driver_stats", Shell.fixture("driver_stats/driver_stats.csv"))
    #expect(imported.notes.contains("imported 1,807 rows"))
    #expect((root["columns"] as? [Any])?.count == 6)
    #expect(root["rows"] as? Int == 1_807)
  }

  @Test func definesWithTheStoresOwnKeys() throws {
    let shell = try Shell()
    try shell.write("a.csv", "id,at,known,n,code,late\n1,2026-01-01,,5,007,\n2,2026-01-02,,6,x1,\n")
    let dry = try shell.succeed(
      "define", "s", "a", "a.csv", "--keys", "id", "--timestamp", "at", "--ttl", "2d", "--dry-run")
    #expect(dry.notes.contains("added view a") && dry.notes.contains("dry run"))
    #expect(
      !FileManager.default.fileExists(atPath: shell.directory.appendingPathComponent("s").path))
    let arguments = [
      "define", "s", "a", "a.csv", "--keys", "id", "--timestamp", "at", "--created", "late",
      "--ttl",
      "2d",
    ]
    let defined = try shell.succeed(arguments)
    #expect(defined.notes == "added entity id\nadded view a (3 features)\n", "\(defined.notes)")
    #expect(try shell.succeed(arguments).notes == "nothing to change\n")
    let views = try shell.succeed("views", "s")
    #expect(views.output.contains("known string, n int64, code string"), "\(views.output)")
    // The key keeps the store's type, and the entity is the store's.
    try shell.write("b.csv", "id,at,m\n9,2026-01-01T00:00:00.000000001Z,1.5\n")
    let second = try shell.succeed("define", "s", "b", "b.csv", "--keys", "id", "--timestamp", "at")
    #expect(second.notes == "added view b (1 features)\n")
    #expect(try shell.succeed("views", "s").output.contains("ns"))
    try shell.succeed("import", "s", "b", "b.csv")
    try shell.refuse(
      "define", "s", "c", "b.csv", "--keys", "ids", "--timestamp", "at", code: 4,
      saying: ["b.csv", "\"ids\"", "\"id\""])
    try shell.refuse(
      "define", "s", "c", "b.csv", "--keys", "m", "--timestamp", "at", code: 3,
      saying: ["b.csv", "column \"m\"", "float64", "string, int32, int64"])
    try shell.refuse(
      "define", "s", "c", "b.csv", "--keys", "id", "--timestamp", "m", code: 3,
      saying: ["column \"m\"", "no times"])
  }

  /// The block behind the mark, word for word.
  @Test func readmesThreeCommandsMakeATrainingSet() throws {
    let shell = try Shell()
    let readme = try String(
      contentsOf: Shell.root.appendingPathComponent("README.md"), encoding: .utf8)
    let block = try #require(
      readme.components(separatedBy: "<!-- parquet -->\n```console\n").dropFirst().first)
    let commands = try #require(block.components(separatedBy: "```").first)
      .split(separator: "\n").map(String.init)
    #expect(commands.count == 3)
    try FileManager.default.createSymbolicLink(
      at: shell.directory.appendingPathComponent("fixtures"),
      withDestinationURL: Shell.root.appendingPathComponent("fixtures"))
    for command in commands {
      #expect(command.hasPrefix("$ larder "))
      try shell.succeed(command.split(separator: " ").dropFirst(2).map(String.init))
    }
    // The same from text, by the way of definitions.
    try shell.succeed("apply", "text", "fixtures/credit/definitions.json")
    try shell.succeed("import", "text", "zipcode_features", "fixtures/credit/zipcode_table.csv")
    try shell.succeed(
      "join", "text", "fixtures/credit/loan_table.csv", "--features",
      "zipcode_features:city,zipcode_features:total_wages", "-o", "training.csv")
    let answer = try RecordBatch(
      contentsOf: shell.directory.appendingPathComponent("training.parquet").path)
    let expected = try RecordBatch(
      contentsOf: shell.directory.appendingPathComponent("training.csv").path)
    #expect(answer.count == 28_638)
    #expect(answer.schema.fields.map(\.name) == expected.schema.fields.map(\.name))
    #expect(answer["loan_id"]?.type == .int64)
    for name in ["loan_id", "zipcode", "event_timestamp", "city", "total_wages"] {
      let (a, b) = (try #require(answer[name]), try #require(expected[name]))
      let same = (0..<answer.count).allSatisfy { a[$0] == b[$0] }
      #expect(same, "\(name)")
    }
    #expect((answer["total_wages"]?.nullCount ?? .max) < answer.count / 2)
  }
}
