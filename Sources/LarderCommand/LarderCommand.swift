import ArgumentParser
import CLarderCommand
import Larder
import LarderColumns

/// The command line: feature history in, training sets out.
@main package struct LarderCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "larder",
    abstract: "An embedded feature store: feature history in, point-in-time training sets out.",
    discussion: """
      A store is one directory. Any number of processes may read it while others write. \
      Data goes to standard output, everything else to standard error.

      EXIT CODES
        0 ok                1 findings         2 usage         3 input rejected
        4 name not found    5 corrupt store    6 locked        7 limit exceeded
        8 I/O error         130 interrupted (SIGINT, SIGTERM, SIGHUP)
      """,
    version: "larder \(LarderVersion.current)",
    subcommands: [
      Demo.self, SchemaCommand.self, Define.self, Apply.self, Drop.self, Views.self, Import.self,
      Join.self, Why.self, Export.self, Materialize.self, Get.self, Put.self, Online.self,
      Info.self, Verify.self, Compact.self, Expire.self, Snapshots.self, Rollback.self,
      Vacuum.self,
      Repair.self, Backup.self, Forget.self,
    ])

  package init() {}

  /// The names of the subcommands, in the order that help lists them.
  package static var names: [String] { configuration.subcommands.map { $0._commandName } }

  /// What `larder help` says, wrapped at 80 columns.
  ///
  /// - Parameter name: a subcommand; nil for the command itself.
  package static func help(of name: String?) -> String {
    guard let name else { return helpMessage(columns: 80) }
    let command = configuration.subcommands.first { $0._commandName == name }
    return command.map { helpMessage(for: $0, columns: 80) } ?? ""
  }

  /// Parses, runs, and ends the process with the exit code of the outcome.
  package static func main() {
    OutOfMemory.ends { larder_out_of_memory($0) }
    Interrupt.watch()
    // Without the guard a file cut short by somebody else ends the process by a signal.
    do throws(LarderError) { try TruncationGuard.install() } catch {
      Terminal.note("warning: \(error)")
    }
    exitProcess(run(Array(CommandLine.arguments.dropFirst())))
  }

  /// Parses and runs; the exit code says how it went.
  static func run(_ arguments: [String]) -> Int32 {
    do {
      var command = try parseAsRoot(arguments)
      try command.run()
      return 0
    } catch let error as LarderError {
      if error.code == .cancelled, Interrupt.isRequested {
        Terminal.note("interrupted; the store is as it was after its last commit")
      } else {
        Terminal.note("error: \(error)")
      }
      return error.code.outcome.exitCode
    } catch let findings as Findings {
      Terminal.note("\(findings)")
      return 1
    } catch {
      return finish(error)
    }
  }

  /// Ends what the parser refused or answered itself, such as `--help`.
  private static func finish(_ error: any Error) -> Int32 {
    let code = exitCode(for: error)
    let text = fullMessage(for: error)
    if code.isSuccess {
      do throws(LarderError) { try StandardOutput.write(text + "\n") } catch {
        Terminal.note("error: \(error)")
        return error.code.outcome.exitCode
      }
      return 0
    }
    Terminal.note(text)
    return code == .validationFailure ? 2 : code.rawValue
  }
}

/// What a check found: an answer, told by exit code 1.
struct Findings: Error, CustomStringConvertible {
  var description: String
}
