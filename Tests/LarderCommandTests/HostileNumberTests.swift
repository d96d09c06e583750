import Foundation
import Testing

/// Every option of every command is given what it cannot take: an answer, never a signal.
///
/// The options are those that the command tells, so that a new one is tried too.
@Suite struct HostileNumberTests {
  /// What no number, size, duration or time may be.
  private static let impossible = [
    "inf", "-inf", "nan", "1e30", "-1", "-0.5", "", " ", "0x10",
    "99999999999999999999999w", "9223372036854775807w", "1e400", "18446744073709551616",
    "9223372036854775807T", "-5s", "1.5d", "\u{0663}", "\u{FF13}s", "\u{0968}G",
    "99999999999999-01-01T00:00:00Z", "2026-02-30", "-9223372036854775808",
    String(repeating: "9", count: 9_999),
  ]
  /// What may or may not be taken, at the ends of what there is.
  private static let extreme = [
    "0", "1", "9223372036854775807", "18446744073709551615", "0s", "9223372036854775807s", "1e-9",
    "9223372036854775807ns", "8388607T", "9223372036854775807K", "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999999Z", "1000000000",
  ]
  /// What some numeric option takes, and text that none does.
  private static let (numeric, words) = (["3", "512M", "90s", "2026-01-01T00:00:00Z"], "no-number")

  /// A run of each command to which an option can be added; the store is `s`.
  private static let runs: [String: [String]] = [
    "demo": ["demo", "d"], "schema": ["schema", "rows.csv", "--read"],
    "define": ["define", "n", "rows.csv"], "apply": ["apply", "s", "d.json", "--dry-run"],
    "drop": ["drop", "s", "stats", "--dry-run"], "views": ["views", "s"],
    "import": ["import", "s", "stats", "rows.csv"],
    "join": ["join", "s", "spine.csv", "--features", "stats:rate"],
    "why": ["why", "s", "stats", "id=1", "--at", "2026-01-01T00:00:00Z"],
    "export": ["export", "s", "stats"], "materialize": ["materialize", "s", "stats"],
    "get": ["get", "s", "stats", "id=1"], "put": ["put", "s", "stats", "rows.csv"],
    "online": ["online", "s"], "info": ["info", "s"], "verify": ["verify", "s", "--parity"],
    "compact": ["compact", "s"],
    "expire": ["expire", "s", "stats", "--older-than", "90d", "--yes"],
    "snapshots": ["snapshots", "s"], "rollback": ["rollback", "s", "1", "--yes"],
    "vacuum": ["vacuum", "s"], "repair": ["repair", "s"], "backup": ["backup", "s", "b"],
    "forget": ["forget", "s", "--entity", "driver", "id=7", "--dry-run"],
  ]

  private struct Told: Decodable {
    struct Name: Decodable {
      var kind: String
      var name: String
    }
    struct Argument: Decodable {
      var kind: String
      var preferredName: Name?
      var allValues: [String]?
    }
    struct Command: Decodable {
      var commandName: String
      var arguments: [Argument]?
      var subcommands: [Command]?
    }
    var command: Command
  }

  /// The options of each command that take a value.
  private func options(_ shell: Shell) throws -> [(command: String, option: String)] {
    let text = try shell.succeed("--experimental-dump-help").output
    let told = try JSONDecoder().decode(Told.self, from: Data(text.utf8))
    var found: [(String, String)] = []
    for command in told.command.subcommands ?? [] where command.commandName != "help" {
      #expect((command.subcommands ?? []).isEmpty)
      for argument in command.arguments ?? [] where argument.kind == "option" {
        guard let name = argument.preferredName, argument.allValues == nil else { continue }
        found.append((command.commandName, (name.kind == "short" ? "-" : "--") + name.name))
      }
    }
    return found
  }

  private func shell() throws -> Shell {
    let shell = try Shell()
    try shell.write("d.json", CommandTests.definitions)
    try shell.write(
      "rows.csv", "id,t,known,rate,note\n1,1970-01-01,,0.5,a\n2,1970-01-01T00:00:00.0001Z,,0.5,b\n")
    try shell.write("spine.csv", "id,event_timestamp\n1,1970-01-01\n")
    try shell.succeed("apply", "s", "d.json")
    try shell.succeed("import", "s", "stats", "rows.csv")
    try shell.succeed("materialize", "s")
    return shell
  }

  @Test func everyOptionTakesAnyValue() throws {
    let shell = try shell()
    let options = try options(shell)
    #expect(options.count > 60)
    var (refused, numbers, signals) = (0, Set<String>(), 0)
    for (command, option) in options {
      guard let run = Self.runs[command] else {
        Issue.record("No run of \"\(command)\" is known here; add one.")
        continue
      }
      func result(_ value: String) throws -> Shell.Result {
        // A given option of the run itself gives way.
        var line = run
        if let place = line.firstIndex(of: option) { line.removeSubrange(place...(place + 1)) }
        let result = try shell.run(line + ["\(option)=\(value)"])
        let isSignal = result.exitCode > 8
        #expect(
          !isSignal, "\(line) \(option)=\(value): \(result.exitCode) \(result.notes.suffix(300))")
        if isSignal { signals += 1 }
        return result
      }
      let isNumeric =
        try isUsage(result(Self.words), of: option)
        && Self.numeric.contains { try !isUsage(result($0), of: option) }
      // Options of one name are read by one type: all values once, a few for each command.
      let isFirst = isNumeric && numbers.insert(option).inserted
      for value in isFirst ? Self.extreme : ["9223372036854775807"] { _ = try result(value) }
      guard isNumeric else { continue }
      for value in isFirst ? Self.impossible : Array(Self.impossible.prefix(4)) {
        let result = try result(value)
        #expect(
          result.exitCode == 2 && result.notes.contains(option) && result.output.isEmpty,
          "\(command) \(option)=\(value): \(result.exitCode) \(result.notes.suffix(300))")
        refused += 1
      }
    }
    let known: Set = [
      "--max-seconds", "--threads", "--sample", "--seed", "--lock-timeout", "--memory", "--from",
      "--to", "--at", "--keep", "--older-than",
    ]
    #expect(numbers.isSuperset(of: known), "\(known.subtracting(numbers))")
    #expect(signals == 0)
    #expect(refused >= known.count * Self.impossible.count)
    try shell.succeed("verify", "s", "--deep")
  }

  private func isUsage(_ result: Shell.Result, of option: String) -> Bool {
    result.exitCode == 2 && result.notes.contains("invalid for '\(option)")
  }

  /// Words that stand for numbers without being options.
  @Test(arguments: [
    ["rollback", "s", "9223372036854775808", "--yes"], ["rollback", "s", "-1", "--yes"],
    ["export", "s", "stats", "--at", "99999999999999999999999"],
    ["snapshots", "s", "--tag", "9", "18446744073709551616"],
    ["why", "s", "stats", "id=99999999999999999999", "--at", "2026-01-01T00:00:00Z"],
    ["get", "s", "stats", "id=1e30"], ["get", "s", "stats", "id=-9223372036854775809"],
    ["compact", "s", "--partition", "99999999999999999999"], ["compact", "s", "--partition", "-1"],
    ["compact", "s", "--partition", "2026-13"],
    ["compact", "s", "--partition", "9223372036854775807"],
    ["compact", "s", "--partition", "0000-00"], ["compact", "s", "--partition", "9999-12-31T24"],
    ["forget", "s", "--entity", "driver", "id=99999999999999999999", "--yes"],
  ])
  func wordsThatAreNumbers(_ line: [String]) throws {
    let shell = try shell()
    let result = try shell.run(line)
    #expect((2...7).contains(result.exitCode), "\(line): \(result.exitCode) \(result.notes)")
  }

  @Test func typesThatNestDeepAreRefused() throws {
    let shell = try shell()
    for depth in [2, 64, 65, 16_000, 400_000] {
      let type =
        String(repeating: "list<", count: depth) + "int64" + String(repeating: ">", count: depth)
      try shell.write(
        "deep.json", CommandTests.definitions.replacingOccurrences(of: "float64", with: type))
      try shell.refuse(
        "apply", "s", "deep.json", code: depth > 64 ? 7 : 3,
        saying: ["deep.json", depth > 64 ? "64 deep" : "list of lists"])
    }
  }
}
