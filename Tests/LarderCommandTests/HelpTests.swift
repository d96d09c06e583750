import Foundation
import LarderCommand
import Testing

/// Help is part of the product: each text is kept beside these tests and compared word for word.
///
/// After a change that is meant, run the tests once with LARDER_WRITE_SNAPSHOTS=1 and read the
/// difference before committing it.
@Suite struct HelpTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Snapshots")

  @Test(arguments: [nil] + LarderCommand.names.map(Optional.some))
  func saysWhatItSaid(_ name: String?) throws {
    let help = LarderCommand.help(of: name)
    let file = Self.folder.appendingPathComponent("\(name ?? "larder").txt")
    if ProcessInfo.processInfo.environment["LARDER_WRITE_SNAPSHOTS"] != nil {
      try help.write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(help == (try String(contentsOf: file, encoding: .utf8)))
  }

  /// The reference of the commands, which is their help, one after the other.
  private static var reference: String {
    var text = """
      # The command

      What `larder help COMMAND` says. This page is made of it: it is written again with the help's own tests, and
      differs from it in no word.

      """
    for name in LarderCommand.names {
      let help = LarderCommand.help(of: name).trimmingCharacters(in: .newlines)
      text += "\n## larder \(name)\n\n```text\n\(help)\n```\n"
    }
    return text
  }

  @Test func theReferenceIsMadeOfTheHelp() throws {
    let file = Self.folder.deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("docs/commands.md")
    if ProcessInfo.processInfo.environment["LARDER_WRITE_SNAPSHOTS"] != nil {
      try Self.reference.write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(Self.reference == (try String(contentsOf: file, encoding: .utf8)))
  }

  @Test func listsTheCommandsOfTheManual() {
    #expect(
      LarderCommand.names == [
        "demo", "schema", "define", "apply", "drop", "views", "import", "join", "why", "export",
        "materialize", "get", "put", "online", "info", "verify", "compact", "expire",
        "snapshots", "rollback", "vacuum",
        "repair", "backup", "forget",
      ])
  }

  @Test(arguments: LarderCommand.names)
  func showsExamplesThatFitATerminal(_ name: String) {
    let help = LarderCommand.help(of: name)
    #expect(help.contains("EXAMPLES\n  "))
    #expect(help.contains("\n  larder \(name)") || help.contains("| larder \(name)"))
    for line in help.split(separator: "\n") where !line.hasPrefix("USAGE") {
      #expect(line.count <= 80, "\(line)")
    }
  }
}
