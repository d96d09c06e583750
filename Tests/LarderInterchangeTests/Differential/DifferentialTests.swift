import Glibc
import LarderColumns
import LarderInterchange
import Testing

/// Files that pyarrow, pandas, polars and duckdb write now, in every dialect the generator knows.
///
/// Needs a `python3` with pyarrow (or the one that LARDER_PYTHON names); without it the test says
/// so and does nothing. LARDER_DIFFERENTIAL_FILES says how many files of each kind (60).
@Suite struct DifferentialTests {
  static let python = getenv("LARDER_PYTHON").map { String(cString: $0) } ?? "/usr/bin/python3"
  static let count = getenv("LARDER_DIFFERENTIAL_FILES").flatMap { Int(String(cString: $0)) } ?? 60

  /// Runs the generator; nil if this machine cannot.
  static func generate(_ what: String, _ count: Int, seed: Int) -> ExpectedFiles? {
    guard run([python, "-c", "import pyarrow"]) == 0 else {
      print("*** DIFFERENTIAL TEST SKIPPED: \(python) has no pyarrow ***")
      return nil
    }
    let script = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    let directory = "/tmp/larder-differential-\(getpid())-\(what)-\(seed)"
    let status = run([
      python, "/\(script)/generate.py", what, directory, "\(count)", "\(seed)",
    ])
    #expect(status == 0, "The generator failed.")
    return ExpectedFiles(directory: directory)
  }

  static func run(_ arguments: [String]) -> Int32 {
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var process = pid_t()
    guard posix_spawn(&process, arguments[0], nil, nil, &words, environ) == 0 else { return -1 }
    var status: Int32 = 0
    waitpid(process, &status, 0)
    return status
  }

  @Test(arguments: ["parquet", "defaults", "arrow"])
  func readsWhatOthersWrite(what: String) throws {
    let seed = Int(time(nil))
    guard
      let files = Self.generate(
        what, what == "defaults" ? max(1, Self.count / 8) : Self.count, seed: seed)
    else { return }
    defer { _ = Self.run(["/bin/rm", "-rf", files.directory]) }
    let names = files.names()
    #expect(!names.isEmpty)
    for name in names {
      let options = TableReadOptions(
        batchRows: 700, keepsDictionaries: name.utf8.count & 1 == 0, int96Unit: .nanoseconds)
      let reader = try openTable(files.bytes(name), name: name, options: options)
      let lines = try TableText.lines(of: reader)
      let expected = files.expected(name)
      #expect(lines.count == expected.count, "\(name), seed \(seed)")
      for (line, other) in zip(lines, expected) where line != other {
        Issue.record("\(name), seed \(seed): \(line.prefix(80)) is not \(other.prefix(80))")
      }
    }
    print("differential: \(names.count) files of \(what), seed \(seed)")
  }

  /// Rewrites what the generator wrote, and asks pyarrow what it finds in it.
  @Test func othersReadWhatIsWritten() throws {
    let seed = Int(time(nil)) + 1_000_000
    guard let files = Self.generate("parquet", Self.count, seed: seed) else { return }
    let out = files.directory + "-written"
    mkdir(out, 0o700)
    defer { _ = Self.run(["/bin/rm", "-rf", files.directory, out]) }
    var expected: [String: [String]] = [:]
    for (index, name) in files.names().enumerated() {
      let ending = ["parquet", "arrow", "arrows"][index % 3]
      let options = TableReadOptions(
        batchRows: [13, 700, 1 << 20][index % 3], keepsDictionaries: index % 2 == 0)
      let reader = try openTable(files.bytes(name), name: name, options: options)
      let written = try WrittenTable.bytes(of: reader, ending: ending, variant: index)
      let path = "\(out)/\(name).\(ending)"
      let file = fopen(path, "wb")
      #expect(fwrite(written, 1, written.count, file) == written.count)
      fclose(file)
      expected["\(name).\(ending)"] = WrittenTable.asWritten(files.expected(name))
    }
    let script = #filePath.split(separator: "/").dropLast().joined(separator: "/")
    #expect(Self.run([Self.python, "/\(script)/generate.py", "read", out, "0", "0"]) == 0)
    let results = ExpectedFiles(directory: out)
    for (name, lines) in expected {
      let text = String(decoding: results.bytes(name + ".read"), as: UTF8.self)
      let read = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      #expect(read.map(String.init) == lines, "\(name), seed \(seed)")
    }
    print("differential: \(expected.count) files written, seed \(seed)")
  }
}
