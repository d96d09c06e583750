import Glibc
import LarderColumns
import LarderInterchange
import Testing

/// CSV files of other people, read by the types that are found in them and written as Parquet, for
/// `Tests/Interchange/texts.py` to hold each value against its cell.
///
/// The script lays them out and names the directory in LARDER_PUBLIC_TEXTS; without it the test does
/// nothing.
@Suite struct PublicTextsTests {
  @Test func eachTextIsReadOrRefused() throws {
    guard let directory = getenv("LARDER_PUBLIC_TEXTS").map({ String(cString: $0) }) else { return }
    var refusals: [String: Int] = [:]
    var count = 0
    for name in ExpectedFiles(directory: directory).names() where !name.hasSuffix(".parquet") {
      count += 1
      do throws(LarderError) { try convert("\(directory)/\(name)") } catch {
        let codes: [LarderError.Code] = [.invalidInput, .unsupported, .limitExceeded]
        #expect(codes.contains(error.code), "\(name): \(error)")
        refusals[String(error.message.map { $0.isNumber ? "#" : $0 }), default: 0] += 1
      }
    }
    print("public texts: \(count), refused: \(refusals.values.reduce(0, +))")
    for (reason, count) in refusals.sorted(by: { $0.value > $1.value }) {
      print("  refused \(count): \(reason)")
    }
  }

  private func convert(_ path: String) throws(LarderError) {
    let source = try ByteSource(path: path)
    guard try source.detectFormat() == .text else {
      throw LarderError(.unsupported, "It is no text.", file: path)
    }
    var names: [String] = []
    for column in try CSVTable.describe(source, format: .standard).columns {
      if case .success = column.type { names.append(column.name) }
    }
    let reader = try CSVTable(source, columns: names)
    var writer = try TableFileWriter(
      .parquet, schema: reader.schema, to: try ByteOutput.open(path + ".parquet"))
    while let batch = try reader.nextBatch() { try writer.append(batch) }
    try writer.finish()
  }
}
