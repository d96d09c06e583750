import Foundation
import Testing

/// Without memory, files or file size, and ended from outside: a command is done or not done, says
/// so by its exit code, and leaves nothing lying about.
@Suite struct ResourceLimitTests {
  /// A store with some history, and files with more.
  private func shell(rows: Int) throws -> Shell {
    let shell = try Shell()
    try shell.write("d.json", CommandTests.definitions)
    let some = (0..<rows).map { "\($0 % 997),\($0 * 60),,\($0).5,note \($0 % 13)\n" }
    try shell.write("rows.csv", "id,t,known,rate,note\n" + some.joined())
    try shell.write(
      "spine.csv",
      "id,event_timestamp\n" + (0..<rows).map { "\($0 % 997),\($0 * 60)\n" }.joined())
    try shell.succeed("apply", "s", "d.json")
    try shell.succeed("import", "s", "stats", "rows.csv", "--time-unit", "us")
    try shell.succeed("materialize", "s")
    return shell
  }

  /// The commands that are tried; those with a commit say so.
  private static let lines: [(line: String, commits: Bool)] = [
    ("larder import s stats rows.csv --time-unit us", true),
    ("larder compact s --partition all", false),
    ("larder join s spine.csv --time-unit s --features 'stats:*' -o out.csv", false),
    (
      "larder join s spine.csv --time-unit s --features 'stats:*' --format parquet -o out.parquet",
      false
    ),
    ("larder export s stats -o all.csv", false), ("larder materialize s", false),
    ("larder get s stats id=1", false), ("larder put s stats rows.csv --time-unit us", false),
    ("larder verify s --deep", false), ("larder info s", false), ("larder vacuum s", false),
    ("larder expire s stats --older-than 4000w --yes", false), ("larder repair s --yes", false),
    ("larder backup s b; code=$?; rm -rf b; (exit $code)", false),
  ]

  private func head(_ shell: Shell) throws -> String {
    let report = try shell.succeed("info", "s", "--json").output
    return String(report.prefix { $0 != "}" })
  }

  private func names(_ shell: Shell) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: shell.directory.path)
  }

  /// Tries all commands under limits, from one that none can do with to one that suffices.
  ///
  /// - Parameter refuses: whether some must be refused by one of the limits.
  private func tryAll(_ limits: [String], rows: Int, refuses: Bool = true) throws {
    let shell = try shell(rows: rows)
    var codes: [Int32: Int] = [:]
    for limit in limits {
      for (line, commits) in Self.lines {
        let before = try head(shell)
        let result = try shell.bash("\(limit); \(line)")
        codes[result.exitCode, default: 0] += 1
        let allowed: [Int32] = [0, 6, 7, 8]
        #expect(
          allowed.contains(result.exitCode),
          "\(limit); \(line): \(result.exitCode) \(result.notes.suffix(400))")
        #expect(result.exitCode == 0 || !result.notes.isEmpty, "\(limit); \(line)")
        if commits {
          let isCommitted = try head(shell) != before
          #expect(isCommitted == (result.exitCode == 0), "\(limit); \(line): \(result.notes)")
        }
        let left = try names(shell).filter { $0.hasSuffix(".part") }
        #expect(left.isEmpty, "\(limit); \(line): \(left)")
      }
    }
    #expect(codes[0, default: 0] > 0 && (codes.count > 1 || !refuses), "\(codes)")
    try shell.succeed("verify", "s", "--deep")
  }

  @Test func withoutAddressSpace() throws {
    // In KiB. Below the first one not even the program can be loaded; where that is little, the
    // commands need no more.
    try tryAll(
      [60, 75, 90, 110, 130, 160, 200, 260, 400, 4_000].map { "ulimit -v \($0 * 1_024)" },
      rows: 60_000, refuses: false)
  }

  @Test func withoutFileDescriptors() throws {
    try tryAll([4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 20, 24, 64].map { "ulimit -n \($0)" }, rows: 500)
  }

  @Test func withoutFileSize() throws {
    // No trap of the shell's: the command ignores the signal itself.
    try tryAll([1, 2, 4, 16, 64, 65, 256, 4_096, 70_000].map { "ulimit -f \($0)" }, rows: 20_000)
  }

  @Test(arguments: ["INT", "TERM", "HUP"])
  func signalsCleanUp(_ name: String) throws {
    let shell = try shell(rows: 150_000)
    let lines = [
      "larder import s stats rows.csv rows.csv --time-unit us", "larder export s stats -o all.csv",
      "larder join s spine.csv --time-unit s --features 'stats:*' -o out.csv",
      "larder verify s --parity",
      "larder schema rows.csv --read", "larder put s stats rows.csv --time-unit us",
    ]
    var interrupted = 0
    for line in lines {
      for pause in ["0.05", "0.15", "0.3"] {
        let before = try head(shell)
        // Not by a shell in between, which would get the signal in its place.
        let result = try shell.bash(
          "exec 9>&2; '\(Shell.command.path)' \(line.dropFirst(7)) 2>&9 & "
            + "sleep \(pause); kill -\(name) $! 2>/dev/null; wait $!")
        // One that comes before the command listens ends it as it would any other.
        let isEarly = pause == "0.05" && [129, 130, 143].contains(result.exitCode)
        #expect(
          [0, 1, 130].contains(result.exitCode) || isEarly,
          "\(name) \(line): \(result.exitCode) \(result.notes)")
        if result.exitCode > 1 { #expect(try head(shell) == before, "\(name) \(line)") }
        if result.exitCode == 130, result.notes.contains("interrupted") { interrupted += 1 }
        let left = try names(shell).filter { $0.hasSuffix(".part") }
        #expect(left.isEmpty, "\(name) \(line): \(left)")
      }
    }
    #expect(interrupted >= 3)
    try shell.succeed("verify", "s", "--deep")
  }

  /// A second signal, and one that nothing can be done about, end a command at once; what it was
  /// writing has no name yet.
  @Test(arguments: ["kill -INT $!; sleep 0.01; kill -INT $!", "kill -KILL $!"])
  func nothingStaysOfAnUnfinishedFile(_ kill: String) throws {
    let shell = try shell(rows: 150_000)
    try shell.write("all.csv", "what was there before\n")
    for pause in ["0.05", "0.2", "0.4"] {
      _ = try shell.bash(
        "'\(Shell.command.path)' export s stats -o all.csv & sleep \(pause); \(kill); wait $!; true"
      )
      let left = try names(shell).filter { $0.contains("all.csv") }
      #expect(left == ["all.csv"])
      let text = try shell.read("all.csv")
      #expect(text == "what was there before\n" || text.utf8.filter { $0 == 10 }.count == 150_001)
    }
  }

  @Test func nohupIsHeeded() throws {
    let shell = try shell(rows: 100_000)
    let result = try shell.bash(
      "trap '' HUP; '\(Shell.command.path)' export s stats -o all.csv & sleep 0.1; kill -HUP $!; "
        + "wait $!")
    #expect(result.exitCode == 0)
    #expect(try names(shell).contains("all.csv"))
  }

  /// A writer that was stopped while others waited, gave up or wrote elsewhere goes on rightly.
  @Test func aStoppedWriterGoesOn() throws {
    let shell = try shell(rows: 100_000)
    var refused = 0
    for (index, pause) in ["0.05", "0.1", "0.2", "0.35", "0.5", "0.8"].enumerated() {
      let rows = try self.rows(shell)
      let imports = index % 2 == 0
      let first =
        imports ? "import s stats rows.csv --time-unit us" : "put s stats rows.csv --time-unit us"
      // A put waits for ten seconds before it gives up.
      let put =
        imports
        ? "echo put 0" : "$larder put s stats rows.csv --time-unit us 2>/dev/null; echo put $?"
      let result = try shell.bash(
        """
        larder='\(Shell.command.path)'
        $larder \(first) & writer=$!
        sleep \(pause); kill -STOP $writer
        $larder import s stats rows.csv --time-unit us --lock-timeout 100ms 2>/dev/null; echo other $?
        \(put)
        $larder compact s --lock-timeout 100ms >/dev/null 2>&1; echo compact $?
        $larder info s >/dev/null; echo info $?
        (sleep 0.3; kill -CONT $writer) &
        $larder import s stats rows.csv --time-unit us --lock-timeout 60s 2>/dev/null; echo waited $?
        wait $writer; echo writer $?
        """)
      #expect(result.output.contains("info 0\n"), "\(result)")
      #expect(result.output.contains("waited 0\n"), "\(result)")
      #expect(result.output.contains("writer 0\n"), "\(result)")
      let isRefused = result.output.contains("other 6\n")
      #expect(isRefused || result.output.contains("other 0\n"), "\(result)")
      #expect(result.output.contains("put 6\n") || result.output.contains("put 0\n"), "\(result)")
      if isRefused || result.output.contains("put 6\n") { refused += 1 }
      let added = (isRefused ? 1 : 2) + (imports ? 1 : 0)
      #expect(try self.rows(shell) == rows + added * 100_000, "\(result)")
    }
    // On a quick machine a writer may be done before it is stopped.
    print("stopped writers: \(refused) of 6 kept others out")
    try shell.succeed("verify", "s", "--deep")
  }

  private func rows(_ shell: Shell) throws -> Int {
    struct Report: Decodable {
      struct View: Decodable { var rows: Int }
      var views: [View]
    }
    let text = try shell.succeed("info", "s", "--json").output
    return try JSONDecoder().decode(Report.self, from: Data(text.utf8)).views[0].rows
  }
}
