import Foundation
import Testing

/// Runs the command as a shell does, in a directory of its own that goes again.
final class Shell {
  let directory: URL

  /// What a run said.
  struct Result {
    var exitCode: Int32
    var output: String
    var notes: String
  }

  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The command lies beside the tests' own bundle.
  static let command: URL = {
    let bundle = URL(fileURLWithPath: CommandLine.arguments[0]).standardizedFileURL
    return bundle.deletingLastPathComponent().appendingPathComponent("larder")
  }()

  init() throws {
    directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("larder-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  }

  deinit {
    do { try FileManager.default.removeItem(at: directory) } catch {
      print("a temporary directory stays behind: \(error)")
    }
  }

  /// The path of a file of the repository.
  static func fixture(_ name: String) -> String {
    root.appendingPathComponent("fixtures/\(name)").path
  }

  /// Writes a file into the directory.
  func write(_ name: String, _ text: String) throws { try write(name, Data(text.utf8)) }

  /// Writes a file into the directory.
  func write(_ name: String, _ data: Data) throws {
    try data.write(to: directory.appendingPathComponent(name))
  }

  /// Reads a file of the directory.
  func read(_ name: String) throws -> String {
    try String(contentsOf: directory.appendingPathComponent(name), encoding: .utf8)
  }

  /// The files of a directory and what they hold.
  func files(_ name: String) throws -> StoreFiles {
    try StoreFiles(directory.appendingPathComponent(name))
  }

  /// Runs a line of bash; `larder` in it is the command.
  func bash(_ line: String) throws -> Result {
    try run(
      program: URL(fileURLWithPath: "/bin/bash"),
      ["-c", "larder() { '\(Self.command.path)' \"$@\"; }; \(line)"])
  }

  /// Runs `larder` with arguments; standard input is empty unless text is given.
  func run(_ arguments: [String], input: String? = nil) throws -> Result {
    try run(program: Self.command, arguments, input: input)
  }

  private func run(
    program: URL, _ arguments: [String], input: String? = nil
  ) throws -> Result {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    process.currentDirectoryURL = directory
    // Files, not pipes: a pipe that nobody drains stops its writer.
    let files = ["out", "err"].map { directory.appendingPathComponent(".\($0)-\(UUID())") }
    for file in files { try Data().write(to: file) }
    process.standardOutput = try FileHandle(forWritingTo: files[0])
    process.standardError = try FileHandle(forWritingTo: files[1])
    let pipe = Pipe()
    process.standardInput = input == nil ? FileHandle.nullDevice : pipe
    try process.run()
    if let input {
      try pipe.fileHandleForWriting.write(contentsOf: Data(input.utf8))
      try pipe.fileHandleForWriting.close()
    }
    process.waitUntilExit()
    let texts = try files.map { try String(contentsOf: $0, encoding: .utf8) }
    for file in files { try FileManager.default.removeItem(at: file) }
    // A signal is no exit: 128 and more, as a shell has it.
    let isExit = process.terminationReason == .exit
    let code = process.terminationStatus + (isExit ? 0 : 128)
    return Result(exitCode: code, output: texts[0], notes: texts[1])
  }

  /// Runs a command that must succeed.
  @discardableResult
  func succeed(
    _ arguments: String..., input: String? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Result {
    let result = try run(arguments, input: input)
    #expect(result.exitCode == 0, "\(arguments): \(result.notes)", sourceLocation: sourceLocation)
    return result
  }

  /// Runs a command that must be refused with an exit code and all of some words.
  func refuse(
    _ arguments: String..., code: Int32, saying words: [String],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let result = try run(arguments)
    #expect(
      result.exitCode == code, "\(arguments): \(result.notes)", sourceLocation: sourceLocation)
    for word in words {
      #expect(
        result.notes.contains(word), "\(arguments): \(result.notes)",
        sourceLocation: sourceLocation)
    }
    #expect(result.output.isEmpty, "\(arguments): \(result.output)", sourceLocation: sourceLocation)
  }
}
