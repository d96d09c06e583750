import Foundation
import TestSupport
import Testing

@Suite struct ExampleTests {
  /// The folder of Package.swift.
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The library beside the test bundle: building the tests builds it.
  private func library() throws -> URL {
    let products = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    let path = products.appendingPathComponent("libLarderABI.so")
    try #require(
      FileManager.default.fileExists(atPath: path.path), "\(path.path) has not been built")
    return path
  }

  private func run(_ tool: String, _ arguments: [String]) throws -> (status: Int32, text: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [tool] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }

  @Test func theExampleInCBuildsAndRuns() throws {
    let directory = try TemporaryDirectory()
    let library = try library()
    let program = directory.path + "/example"
    // A library under a sanitizer needs a program that brings it: the toolchain's own.
    let sanitizer = ProcessInfo.processInfo.environment["LARDER_SANITIZE"].map {
      "-fsanitize=\($0)"
    }
    let built = try run(
      sanitizer == nil ? "cc" : "clang",
      (sanitizer.map { [$0] } ?? []) + [
        Self.root.appendingPathComponent("Tests/LarderABITests/Example/example.c").path,
        "-std=c17", "-Wall", "-Werror", "-Wno-unused-parameter",
        "-I", Self.root.appendingPathComponent("Sources/CLarder/include").path, library.path,
        "-Wl,-rpath," + library.deletingLastPathComponent().path, "-o", program,
      ])
    try #require(built.status == 0, "\(built.text)")
    let ran = try run(program, [directory.path + "/store"])
    #expect(ran.status == 0)
    #expect(
      ran.text == """
        commit "rows":2}
        driver 7 at 99: null
        driver 7 at 100: 10
        driver 7 at 1000: 20
        driver 8 at 1000: null
        driver 7 now: 20
        The Arrow stream was released or consumed before.
        3 arrays released

        """)
  }

  @Test func theHeaderIsCPlusPlusToo() throws {
    let directory = try TemporaryDirectory()
    let source = directory.path + "/header.cpp"
    try "#include \"larder.h\"\nint main() { return LARDER_OK; }\n".write(
      toFile: source, atomically: true, encoding: .utf8)
    let built = try run(
      "c++",
      [
        "-fsyntax-only", "-Wall", "-Werror", "-I",
        Self.root.appendingPathComponent("Sources/CLarder/include").path, source,
      ])
    #expect(built.status == 0, "\(built.text)")
  }

  @Test func theVersionScriptExportsWhatTheHeaderDeclares() throws {
    let header = try String(
      contentsOf: Self.root.appendingPathComponent("Sources/CLarder/include/larder.h"),
      encoding: .utf8)
    let script = try String(
      contentsOf: Self.root.appendingPathComponent("Sources/LarderABI/exports.map"),
      encoding: .utf8)
    let declared = header.matches(of: /(?m)^(?:const char \*|int32_t |void )(larder_\w+)\(/)
      .map { String($0.1) }
    let exported = script.matches(of: /(larder_\w+);/).map { String($0.1) }
    #expect(declared.count > 20)
    #expect(Set(declared) == Set(exported))
  }
}
