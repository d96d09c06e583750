import Foundation
import Testing

/// What folders say: partitions, tables with a log, files that are none.
@Suite struct FolderTests {
  private func folder(_ shell: Shell, _ path: String) throws {
    try FileManager.default.createDirectory(
      at: shell.directory.appendingPathComponent(path), withIntermediateDirectories: true)
  }

  /// A store whose files of history lie in folders of partitions.
  private func partitioned(_ ending: String = "csv") throws -> Shell {
    let shell = try Shell()
    for (site, zone, rows) in [
      ("A", "7", "1,1970-01-01T00:00:10Z,1\n1,1970-01-01T00:00:20Z,3\n"),
      ("B%2FC", "08", "1,1970-01-01T00:00:10Z,2\n"),
      ("__HIVE_DEFAULT_PARTITION__", "9", "1,1970-01-01T00:00:10Z,5\n"),
    ] {
      try folder(shell, "h/site=\(site)/zone=\(zone)")
      try shell.write("h/site=\(site)/zone=\(zone)/1.csv", "sensor,t,v\n" + rows)
    }
    try shell.write("h/_SUCCESS", "")
    try shell.write("h/.hidden.csv", "nonsense\n")
    try shell.write("h/site=A/zone=7/.1.csv.crc", "crc")
    try shell.write("h/site=A/zone=7/1.csv.crc", "crc")
    return shell
  }

  @Test func partitionsAreColumnsTypedOverAllOfThem() throws {
    let shell = try partitioned()
    let schema = try shell.succeed("schema", "h").output
    #expect(schema.contains("site    string") && schema.contains("zone    string"), "\(schema)")
    try shell.succeed("define", "s", "v", "h", "--keys", "sensor", "--timestamp", "t")
    try shell.succeed("import", "s", "v", "h")
    let rows = try shell.succeed("export", "s", "v").output
    #expect(rows.contains("A,7,") && rows.contains("B/C,08,") && rows.contains(",,9,"), "\(rows)")
  }

  @Test func partitionsAreKeys() throws {
    let shell = try partitioned()
    try FileManager.default.removeItem(
      at: shell.directory.appendingPathComponent("h/site=__HIVE_DEFAULT_PARTITION__"))
    try shell.succeed("define", "s", "v", "h", "--keys", "sensor,site", "--timestamp", "t")
    try shell.succeed("import", "s", "v", "h")
    try shell.write(
      "spine.csv",
      "sensor,site,event_timestamp\n1,A,1970-01-01T00:00:15Z\n1,B/C,1970-01-01T00:00:15Z\n")
    let answer = try shell.succeed("join", "s", "spine.csv", "--features", "v:v").output
    #expect(answer.hasSuffix(":15Z,1\n1,B/C,1970-01-01T00:00:15Z,2\n"), "\(answer)")
    // The folders that a shell names one by one say the same.
    let again = try shell.succeed(
      "import", "s", "v", "h/site=A/zone=7/1.csv", "h/site=B%2FC", "--replace")
    #expect(again.notes.contains("imported 3 rows"))
    #expect(try shell.succeed("join", "s", "spine.csv", "--features", "v:v").output == answer)
    // A key that is null names no entity.
    try folder(shell, "n/site=__HIVE_DEFAULT_PARTITION__")
    try shell.write(
      "n/site=__HIVE_DEFAULT_PARTITION__/1.csv", "sensor,t,v\n1,1970-01-01T00:00:10Z,5\n")
    try shell.refuse("import", "s", "v", "n", code: 3, saying: ["column \"site\"", "null"])
  }

  @Test func partitionsAreHeldAgainstTheFile() throws {
    let shell = try Shell()
    try folder(shell, "h/day=2024-01-01")
    try shell.write("h/day=2024-01-01/1.csv", "k,day,x\n1,2024-01-01,1\n")
    try shell.succeed("define", "s", "v", "h", "--keys", "k", "--timestamp", "day")
    try shell.succeed("import", "s", "v", "h")
    try shell.write("h/day=2024-01-01/1.csv", "k,day,x\n1,2024-01-01,1\n2,2024-01-02,1\n")
    try shell.refuse(
      "import", "s", "v", "h", code: 3,
      saying: ["1.csv:3", "column \"day\"", "2024-01-02", "2024-01-01"])
    try folder(shell, "h/day=soon")
    try shell.write("h/day=soon/1.csv", "k,x\n1,1\n")
    try shell.refuse("import", "s", "v", "h/day=soon", code: 3, saying: ["day=soon", "timestamp"])
  }

  @Test(arguments: [
    ("_delta_log/0.json", "Delta Lake"), ("metadata/v1.metadata.json", "Iceberg"),
    (".hoodie/hoodie.properties", "Hudi"),
  ])
  func tablesWithALogAreRefusedByName(_ log: String, _ name: String) throws {
    let shell = try Shell()
    try folder(shell, "d/data/day=1")
    try folder(shell, "d/" + log.split(separator: "/")[0])
    try shell.write("d/\(log)", "{}")
    for file in ["d/a.csv", "d/b.csv", "d/data/day=1/c.csv"] {
      try shell.write(file, "k,t,x\n1,2024-01-01,1\n")
    }
    try shell.succeed("define", "s", "v", "d/a.csv", "--keys", "k", "--timestamp", "t")
    for files in [["d"], ["d/data"], ["d/data/day=1"], ["d/a.csv", "d/b.csv"], ["."]] {
      let result = try shell.run(["import", "s", "v"] + files)
      #expect(result.exitCode == 3, "\(files): \(result.notes)")
      #expect(result.notes.contains(name) && result.notes.contains("removed"), "\(result.notes)")
    }
    try shell.succeed("import", "s", "v", "d/a.csv")
    let schema = try shell.run(["schema", "d"])
    #expect(schema.exitCode == 3 && schema.notes.contains(name))
  }

  @Test func aFolderThatIsOnlyCalledMetadataIsAFolder() throws {
    let shell = try Shell()
    try folder(shell, "h/metadata")
    try shell.write("h/metadata/a.csv", "k,t,x\n1,2024-01-01,1\n")
    try shell.succeed("define", "s", "v", "h", "--keys", "k", "--timestamp", "t")
  }

  @Test func otherFilesFailUnlessTheyAreToBeSkipped() throws {
    let shell = try Shell()
    try folder(shell, "h")
    try shell.write("h/a.csv", "k,t,x\n1,2024-01-01,1\n")
    try shell.succeed("define", "s", "v", "h", "--keys", "k", "--timestamp", "t")
    let others: [(String, Data, String)] = [
      ("notes.md", Data("# notes\n".utf8), "does not end in .csv"),
      ("b.json", Data("{\"k\": 1}\n".utf8), "JSON"),
      ("c.xlsx", Data("PK\u{3}\u{4}".utf8), "xlsx"), ("d.csv", Data(), "empty"),
    ]
    for (name, data, word) in others {
      try shell.write("h/\(name)", data)
      for command in [["import", "s", "v", "h"], ["schema", "h"], ["put", "s", "v", "h"]] {
        let result = try shell.run(command)
        #expect(result.exitCode == 3, "\(name): \(result.notes)")
        #expect(
          result.notes.contains(name) && result.notes.contains(word)
            && result.notes.contains("--skip-unreadable"), "\(result.notes)")
      }
      let skipped = try shell.succeed("import", "s", "v", "h", "--skip-unreadable", "--replace")
      #expect(skipped.notes.contains("imported 1 row") && skipped.notes.contains(name))
      try FileManager.default.removeItem(at: shell.directory.appendingPathComponent("h/\(name)"))
    }
  }

  @Test(arguments: [
    (["k,t,x\n1,2024-01-01,5\n", "k,t,x\n1,2024-02-01,5.5\n"], "float64"),
    (["k,t,x\n1,2024-01-01,\n", "k,t,x\n1,2024-02-01,5.5\n"], "float64"),
    (["k,t,x\n1,2024-01-01,11111\n", "k,t,x\n1,2024-02-01,02134\n"], "string"),
    (["k,t,x\n1,2024-01-01,1\n", "k,t,x\n"], "int64"),
    (
      ["k,t,x\n1,2024-01-01,2024-01-01\n", "k,t,x\n1,2024-02-01,2024-02-01 10:00:00\n"], "timestamp"
    ),
  ])
  func oneGuessOverAllFiles(_ files: [String], _ type: String) throws {
    let shell = try Shell()
    try folder(shell, "h")
    for (index, text) in files.enumerated() { try shell.write("h/\(index).csv", text) }
    #expect(try shell.succeed("schema", "h").output.contains("x       \(type)"))
    try shell.succeed("define", "s", "v", "h", "--keys", "k", "--timestamp", "t")
    try shell.succeed("import", "s", "v", "h")
  }

  @Test func tablesAndTextTogetherHaveOneType() throws {
    let shell = try Shell()
    try folder(shell, "h")
    for name in ["float", "int", "nothing"] {
      try FileManager.default.copyItem(
        atPath: Shell.fixture("files/\(name).parquet"),
        toPath: shell.directory.appendingPathComponent("h/\(name).parquet").path)
    }
    try shell.write("h/more.csv", "k,t,x\n5,2024-01-01,7\n")
    #expect(try shell.succeed("schema", "h").output.contains("x       float64"))
    try shell.succeed("define", "s", "v", "h", "--keys", "k", "--timestamp", "t")
    let imported = try shell.succeed("import", "s", "v", "h")
    #expect(imported.notes.contains("imported 7 rows"))
  }
}
