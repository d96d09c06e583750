import Glibc
import LarderColumns
import LarderInterchange
import Testing

/// Files that the makers of the formats publish for the tests of readers; they are not kept here.
///
/// `Tests/Interchange/check.py public PATH...` lays them out with what pyarrow finds in them and names
/// the directory in LARDER_PUBLIC_FILES; without it the test does nothing.
@Suite struct PublicFilesTests {
  /// What became of the columns of all files.
  private struct Tally {
    var files = 0
    var readColumns = 0
    var comparedColumns = 0
    var refusals: [String: Int] = [:]
    var differences: [String] = []
  }

  @Test func eachColumnIsReadOrRefusedByName() throws {
    guard let directory = getenv("LARDER_PUBLIC_FILES").map({ String(cString: $0) }) else { return }
    let files = ExpectedFiles(directory: directory)
    var tally = Tally()
    for name in files.names() {
      tally.files += 1
      let bytes = files.bytes(name)
      let expected = Dictionary(
        files.expected(name).map { (String($0.prefix { $0 != "\t" }), $0) },
        uniquingKeysWith: { first, _ in first })
      do throws(LarderError) {
        let source = RandomAccessBytes(bytes, name: name)
        guard let found = try describeTable(source) else {
          refuse(name, "no known format", &tally)
          continue
        }
        for column in found.columns { read(column, source, expected[column.name], &tally) }
      } catch { refuse(name, "\(error.code): \(error.message)", &tally) }
    }
    #expect(tally.files > 0, "\(directory) is empty.")
    for difference in tally.differences { Issue.record("\(difference)") }
    print(
      "public files: \(tally.files), columns read: \(tally.readColumns), of them compared: "
        + "\(tally.comparedColumns), different: \(tally.differences.count)")
    for (reason, count) in tally.refusals.sorted(by: { $0.value > $1.value }) {
      print("  refused \(count): \(reason)")
    }
  }

  /// Reads one column; a failure must be one that input can cause, with its column's name.
  private func read(
    _ column: TableDescription.Column, _ source: RandomAccessBytes, _ expected: String?,
    _ tally: inout Tally
  ) {
    do {
      _ = try column.type.get()
      let options = TableReadOptions(
        columns: [column.name], batchRows: 4_096, int96Unit: .nanoseconds, batchBytes: 1 << 24)
      guard let reader = try LarderInterchange.openTable(source, options: options) else { return }
      let lines = try TableText.lines(of: reader, rowLimit: 5_000_000)
      tally.readColumns += 1
      guard let expected, let line = lines.first else { return }
      tally.comparedColumns += 1
      // The names of types may differ where the file says less than its writer meant.
      if Self.values(line) != Self.values(expected) {
        tally.differences.append(
          "\(source.name): \(line.prefix(120)) where pyarrow has \(expected.prefix(120))")
      }
    } catch let error as LarderError {
      let codes: [LarderError.Code] = [.invalidInput, .unsupported, .limitExceeded, .notFound]
      #expect(codes.contains(error.code), "\(source.name): \(error)")
      refuse("\(source.name) \(column.name)", "\(error.code): \(error.message)", &tally)
    } catch {
      Issue.record("\(source.name): \(error)")
    }
  }

  private static func values(_ line: String) -> Substring {
    line.split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false).last ?? ""
  }

  private func refuse(_ name: String, _ reason: String, _ tally: inout Tally) {
    // Numbers vary from file to file.
    let kind = String(reason.map { $0.isNumber ? "#" : $0 })
    tally.refusals[kind, default: 0] += 1
    if getenv("LARDER_PUBLIC_VERBOSE") != nil { print("  \(name): \(reason)") }
  }
}
