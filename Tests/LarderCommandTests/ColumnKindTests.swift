import Foundation
import Larder
import Testing

/// Columns of every kind: names that are there twice or cannot be used, types that are converted without
/// loss, and those that no answer can hold.
@Suite struct ColumnKindTests {
  private func file(_ name: String) -> String { Shell.fixture("files/\(name)") }

  private func shell(_ type: String, keys: String = "int64") throws -> Shell {
    let shell = try Shell()
    try shell.write(
      "d.json",
      """
      {"entities": [{"name": "k", "joinKeys": [{"name": "k", "type": "\(keys)"}]}],
       "featureViews": [{"name": "v", "entities": ["k"], "timestamp": "t",
                         "features": [{"name": "x", "type": "\(type)"}]}]}
      """)
    try shell.succeed("apply", "s", "d.json")
    return shell
  }

  @Test(arguments: ["twice.parquet", "twice.arrow", "twice.csv"])
  func aRepeatedColumnIsAnErrorWhereItIsAskedFor(_ name: String) throws {
    let shell = try shell("float64")
    try shell.write("twice.csv", "k,t,x,x\n1,1970-01-01,1,2\n")
    let path = name.hasSuffix("csv") ? name : file(name)
    for command in ["import", "put"] {
      try shell.refuse(
        command, "s", "v", path, code: 3, saying: [name, "column \"x\"", "tw"])
    }
    #expect(try shell.succeed("schema", path).output.contains("x       -"))
    let defined = try shell.succeed("define", "n", "w", path, "--keys", "k", "--timestamp", "t")
    #expect(defined.notes.contains("\"x\" is left out"))
    #expect(throws: LarderError.self) { try RecordBatch(contentsOf: file("twice.parquet")) }
    // Who does not ask for it is not held up.
    try shell.succeed("define", "s", "w", path, "--keys", "k", "--timestamp", "t")
    try shell.succeed("import", "s", "w", path)
    try shell.refuse(
      "join", "s", path, "--timestamp", "t", "--features", "v:x", "--full-names", "-o",
      shell.directory.appendingPathComponent("o.parquet").path, code: 3,
      saying: ["--drop-columns x"])
    try shell.succeed(
      "join", "s", path, "--timestamp", "t", "--features", "v:x", "--full-names", "-o", "o.parquet",
      "--drop-columns", "x")
    let columns = try RecordBatch(
      contentsOf: shell.directory.appendingPathComponent("o.parquet").path
    ).schema.fields.map(\.name)
    #expect(columns == ["k", "t", "v__x"])
  }

  @Test func aDryRunChecksWhatTheImportChecks() throws {
    let shell = try shell("int64")
    try shell.write("null-key.csv", "k,t,x\n1,2024-01-01,1\n,2024-01-01,1\n")
    for (path, words) in [
      (file("text-key.parquet"), ["column \"k\"", "It holds string where the join key is int64"]),
      ("null-key.csv", ["null-key.csv:3", "column \"k\""]),
      (file("uint64.parquet"), ["column \"x\"", "--uint64-as-text"]),
    ] {
      for extra in [["--dry-run"], []] {
        let result = try shell.run(["import", "s", "v", path] + extra)
        #expect(result.exitCode == 3, "\(path) \(extra): \(result.notes)")
        for word in words { #expect(result.notes.contains(word), "\(result.notes)") }
      }
    }
    let fine = try shell.succeed("import", "s", "v", file("int.parquet"), "--dry-run")
    #expect(fine.notes.contains("read 2 rows") && fine.notes.contains("dry run"))
    let text = try self.shell("int64")
    try text.refuse(
      "import", "s", "v", file("group.parquet"), "--map", "x=meta.b", code: 3,
      saying: ["meta.b"])
  }

  @Test func numbersAreConvertedWhereEachIsExact() throws {
    let shell = try shell("float64")
    for name in ["int", "int32", "nothing", "float"] {
      try shell.succeed("import", "s", "v", file("\(name).parquet"), "--replace")
    }
    try shell.refuse(
      "import", "s", "v", file("large.parquet"), code: 3,
      saying: ["large.parquet", "column \"x\"", "row 1", "9007199254740993", "float64"])
    try shell.refuse(
      "import", "s", "v", file("text-key.parquet"), code: 3,
      saying: ["text-key.parquet", "column \"k\"", "It holds string where the join key is int64."])
  }

  @Test func decimalsWithoutAFractionAreKeys() throws {
    let shell = try shell("int64")
    try shell.succeed("import", "s", "v", file("decimal-key.parquet"))
    #expect(try shell.succeed("export", "s", "v").output.contains("\n7,1,"))
    try shell.succeed(
      "define", "n", "w", file("decimal-key.parquet"), "--keys", "k", "--timestamp", "t")
    try shell.succeed("import", "n", "w", file("decimal-key.parquet"))
  }

  @Test func largeUnsignedIntegersAreTextByOption() throws {
    let shell = try Shell()
    try shell.succeed(
      "define", "s", "v", file("uint64.parquet"), "--keys", "k", "--timestamp", "t",
      "--uint64-as-text")
    try shell.succeed("import", "s", "v", file("uint64.parquet"), "--uint64-as-text")
    #expect(try shell.succeed("export", "s", "v").output.contains("18446744073709551615"))
  }

  @Test(arguments: ["far.parquet", "far-int96.parquet"])
  func timesFarAwayAreKeptWhereTheUnitHoldsThem(_ name: String) throws {
    let shell = try Shell()
    try shell.succeed("define", "s", "v", file(name), "--keys", "k", "--timestamp", "t")
    try shell.succeed("import", "s", "v", file(name))
    #expect(try shell.succeed("export", "s", "v").output.contains("9999-12-31T00:00:00Z"))
    try shell.succeed(
      "join", "s", file(name), "--timestamp", "t", "--features", "v:until", "--full-names")
    try shell.succeed(
      "define", "n", "v", file(name), "--keys", "k", "--timestamp", "t", "--keep", "ns")
    if name == "far-int96.parquet" {
      try shell.refuse("import", "n", "v", file(name), code: 3, saying: ["until", "--keep us"])
    }
  }

  @Test func groupsAreReadByTheirLeaves() throws {
    let shell = try Shell()
    let path = file("group.parquet")
    #expect(try shell.succeed("schema", path).output.contains("meta.a  int64"))
    try shell.succeed("define", "s", "v", path, "--keys", "k", "--timestamp", "t")
    try shell.succeed("import", "s", "v", path)
    let rows = try shell.succeed("export", "s", "v").output
    #expect(rows.hasPrefix("k,meta.a,t\n1,1,") && rows.contains("\n2,,"), "\(rows)")
    let join = ["join", "s", path, "--timestamp", "t", "--features", "v:meta.a", "--full-names"]
    let whole = try shell.succeed(join)
    #expect(whole.output.hasPrefix("k,t,meta.a,v__meta.a\n1,1970-01-01T00:00:00.000001Z,1,1\n"))
    #expect(whole.notes.contains("\"meta\"") && whole.notes.contains("meta.a"))
    let answer = try shell.succeed(join + ["--drop-columns", "meta"]).output
    #expect(answer.hasPrefix("k,t,v__meta.a\n1,1970-01-01T00:00:00.000001Z,1\n"), "\(answer)")
    let unknown = try shell.run(join + ["--drop-columns", "mata"])
    #expect(unknown.exitCode == 4 && unknown.notes.contains("Did you mean \"meta\""))
  }

  @Test func namesThatCannotBeUsedAreLeftOutOrRenamed() throws {
    let shell = try Shell()
    try shell.write("h.csv", ",k,t,a:b,__x,y\n0,1,2024-01-01,1.5,2,3\n")
    let defined = try shell.succeed("define", "s", "v", "h.csv", "--keys", "k", "--timestamp", "t")
    #expect(defined.notes.contains("added view v (1 features)"), "\(defined.notes)")
    for name in ["\"\"", "\"a:b\"", "\"__x\""] {
      #expect(defined.notes.contains("\(name) is left out"), "\(defined.notes)")
    }
    try shell.succeed("import", "s", "v", "h.csv")
    try shell.succeed(
      "define", "s", "w", "h.csv", "--keys", "key", "--timestamp", "t", "--rename", "a:b=b",
      "--rename", "k=key")
    try shell.succeed("import", "s", "w", "h.csv", "--rename", "a:b=b", "--rename", "k=key")
    #expect(
      try shell.succeed("export", "s", "w").output == "key,b,y,t\n1,1.5,3,2024-01-01T00:00:00Z\n")
    try shell.refuse(
      "define", "s", "z", "h.csv", "--timestamp", "t", "--rename", "zz=q", code: 4,
      saying: ["\"zz\""])
  }

  @Test func aColumnThatIsNotReadStandsInNobodysWay() throws {
    let shell = try Shell()
    let schema = try shell.succeed("schema", file("int128.arrow")).output
    #expect(schema.contains("k       int64") && schema.contains("128 bits"), "\(schema)")
    try shell.refuse(
      "schema", file("legacy.arrows"), code: 3, saying: ["legacy.arrows", "before version 0.15"])
  }

  @Test func manyRowsOfNothingTakeNoMemory() throws {
    let shell = try Shell()
    let run = try shell.bash(
      "ulimit -v 3000000; larder schema '\(file("no-bytes.arrow"))' --read --threads 1")
    #expect(run.exitCode == 0 && run.notes.contains("67,108,864 rows"), "\(run.notes)")
  }

  @Test(arguments: ["csv", "parquet", "arrow", "arrows"])
  func exportsWithoutRowsAreImported(_ ending: String) throws {
    let shell = try shell("float64")
    try shell.succeed("export", "s", "v", "-o", "out.\(ending)")
    let imported = try shell.succeed("import", "s", "v", "out.\(ending)")
    #expect(imported.notes.contains("imported 0 rows"))
    try shell.succeed("define", "n", "w", "out.\(ending)", "--keys", "k", "--timestamp", "t")
  }

  @Test func aSpineKeepsCellsThatNoTypeHolds() throws {
    let shell = try shell("float64")
    try shell.succeed("import", "s", "v", file("int.parquet"))
    try shell.write(
      "spine.csv",
      "k,event_timestamp,ref,id\n001,1970-01-02,32E0134,9007199254740993\n2,1970-01-02,5E3,0.5\n")
    try shell.succeed("join", "s", "spine.csv", "--features", "v:x", "-o", "out.parquet")
    let answer = try RecordBatch(
      contentsOf: shell.directory.appendingPathComponent("out.parquet").path)
    #expect(answer["ref"]?[0] == .string("32E0134") && answer["k"]?[0] == .string("001"))
    #expect(answer["id"]?[0] == .string("9007199254740993"))
    #expect(answer["x"]?[0] == .float64(1) && answer["x"]?[1] == .float64(2))
  }
}
