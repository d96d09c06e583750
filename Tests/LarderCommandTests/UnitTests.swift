import Foundation
import Testing

/// What integers count, and which options a format applies: said, or refused.
@Suite struct UnitTests {
  private func shell() throws -> Shell {
    let shell = try Shell()
    try shell.write("h.csv", "k,t,x\n1,1704067200,1\n1,1735689600,2\n")
    try shell.write("spine.csv", "k,t\n1,1706745600\n")
    return shell
  }

  @Test func secondsOfTextAreSeconds() throws {
    let shell = try shell()
    try shell.succeed(
      "define", "s", "v", "h.csv", "--keys", "k", "--timestamp", "t", "--time-unit", "s")
    try shell.succeed("import", "s", "v", "h.csv", "--time-unit", "s")
    let history = try shell.succeed("export", "s", "v").output
    #expect(history.contains("2024-01-01T00:00:00Z") && history.contains("2025-01-01T00:00:00Z"))
    // In February 2024 the row of 2025 is not known.
    let answer = try shell.succeed(
      "join", "s", "spine.csv", "--timestamp", "t", "--time-unit", "s", "--features", "v:x")
    #expect(answer.output == "k,t,x\n1,1706745600,1\n")
    try shell.succeed("put", "s", "v", "h.csv", "--time-unit", "s")
    #expect(try shell.succeed("get", "s", "v", "k=1").output.contains("2"))
  }

  @Test func integersWithoutAUnitAreRefusedEverywhere() throws {
    let shell = try shell()
    try shell.refuse(
      "define", "s", "v", "h.csv", "--keys", "k", "--timestamp", "t", code: 3,
      saying: ["h.csv", "column \"t\"", "--time-unit"])
    let parquet = Shell.fixture("files/seconds.parquet")
    try shell.refuse(
      "define", "s", "v", parquet, "--keys", "k", "--timestamp", "t", code: 3,
      saying: ["column \"t\"", "--time-unit"])
    try shell.succeed(
      "define", "s", "v", "h.csv", "--keys", "k", "--timestamp", "t", "--time-unit", "s")
    for command in ["import", "put"] {
      try shell.refuse(
        command, "s", "v", "h.csv", code: 3, saying: ["h.csv:2", "column \"t\"", "--time-unit"])
      try shell.refuse(
        command, "s", "v", parquet, code: 3, saying: ["column \"t\"", "int64", "--time-unit"])
    }
    try shell.succeed("import", "s", "v", parquet, "--time-unit", "s")
    #expect(try shell.succeed("export", "s", "v").output.contains("2024-01-01T00:00:01Z"))
    try shell.refuse(
      "join", "s", "spine.csv", "--timestamp", "t", "--features", "v:x", code: 3,
      saying: ["spine.csv:2", "--time-unit"])
  }

  @Test func theUnitThatAViewKeepsIsAnotherOption() throws {
    let shell = try shell()
    try shell.succeed(
      "define", "s", "v", "h.csv", "--keys", "k", "--timestamp", "t", "--time-unit", "s", "--keep",
      "ns")
    #expect(try shell.succeed("views", "s").output.contains("ns"))
    try shell.succeed("import", "s", "v", "h.csv", "--time-unit", "s")
    try shell.refuse(
      "define", "s", "w", "h.csv", "--timestamp", "t", "--keep", "s", code: 2, saying: ["--keep"])
  }

  @Test func optionsThatAFormatDoesNotApplyAreRefused() throws {
    let shell = try shell()
    let parquet = Shell.fixture("files/int.parquet")
    try shell.succeed("define", "s", "v", parquet, "--keys", "k", "--timestamp", "t")
    for option in [
      ["--null", "NA"], ["--nulls", "pandas"], ["--delimiter", ";"], ["--time-format", "%Y%m%d"],
      ["--on-error", "skip"],
    ] {
      for command in ["import", "put"] {
        let result = try shell.run([command, "s", "v", parquet] + option)
        #expect(result.exitCode == 2, "\(command) \(option): \(result.notes)")
        #expect(result.notes.contains("CSV"), "\(command) \(option): \(result.notes)")
      }
    }
    try shell.refuse(
      "schema", parquet, "--null", "NA", code: 2, saying: ["--null", "CSV"])
    try shell.refuse(
      "schema", "h.csv", "--uint64-as-text", code: 2, saying: ["--uint64-as-text", "Parquet"])
    try shell.refuse(
      "join", "s", parquet, "--timestamp", "t", "--features", "v:x", "--full-names",
      "--time-format", "%Y%m%d", code: 2, saying: ["--time-format", "CSV"])
    try shell.refuse(
      "import", "s", "v", "h.csv", "--null", "", code: 2, saying: ["--nulls pandas"])
  }

  @Test func timesAreReadAsAPatternSays() throws {
    let shell = try Shell()
    try shell.write("d.csv", "k;day;x\n1;31/01/2024;1,5\n1;01/02/2024;2\n")
    try shell.succeed(
      "define", "s", "v", "d.csv", "--keys", "k", "--timestamp", "day", "--time-format",
      "%d/%m/%Y")
    try shell.succeed("import", "s", "v", "d.csv", "--time-format", "%d/%m/%Y")
    #expect(
      try shell.succeed("export", "s", "v").output
        == "k,x,day\n1,\"1,5\",2024-01-31T00:00:00Z\n1,2,2024-02-01T00:00:00Z\n")
    try shell.write("compact.csv", "k,day,x\n1,20240302,3\n")
    try shell.succeed(
      "define", "t", "v", "compact.csv", "--keys", "k", "--timestamp", "day", "--time-format",
      "%Y%m%d")
    try shell.succeed("import", "t", "v", "compact.csv", "--time-format", "%Y%m%d")
    #expect(try shell.succeed("export", "t", "v").output.contains("2024-03-02T00:00:00Z"))
    let answer = try shell.succeed(
      "join", "s", "d.csv", "--timestamp", "day", "--time-format", "%d/%m/%Y", "--features", "v:x",
      "--full-names")
    #expect(answer.output.hasPrefix("k;day;x;v__x\n1;31/01/2024;1,5;1,5\n"), "\(answer.output)")
  }
}
