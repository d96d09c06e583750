import LarderColumns
import LarderInterchange
import TestSupport
import Testing

/// Files of other writers, small and committed, against the values their writers were given.
@Suite struct GoldenFileTests {
  static let folders = ["parquet", "arrow"]

  @Test(arguments: folders, [1, 7, 1 << 20])
  func goldenFilesGiveTheirValues(folder: String, batchRows: Int) throws {
    let files = ExpectedFiles.golden(folder)
    let names = files.names()
    #expect(names.count >= 5)
    for name in names {
      for (threads, keeps) in [(1, true), (2, false)] {
        let options = TableReadOptions(
          batchRows: batchRows, threads: threads, keepsDictionaries: keeps)
        let reader = try openTable(files.bytes(name), name: name, options: options)
        let lines = try TableText.lines(of: reader)
        let expected = files.expected(name)
        #expect(lines.count == expected.count, "\(name)")
        for (line, other) in zip(lines, expected) {
          #expect(line == other, "\(name), batches of \(batchRows)")
        }
      }
    }
  }

  @Test(arguments: folders)
  func projectionGivesTheNamedColumnsInTheirOrder(folder: String) throws {
    let files = ExpectedFiles.golden(folder)
    for name in files.names() {
      let expected = files.expected(name)
      let columns = expected.map { String($0.prefix { $0 != "\t" }) }
      let wanted = Array(columns.reversed().prefix(2))
      let options = TableReadOptions(columns: wanted)
      let reader = try openTable(files.bytes(name), name: name, options: options)
      let lines = try TableText.lines(of: reader)
      #expect(lines == Array(expected.reversed().prefix(2)), "\(name)")
    }
  }

  /// What a reader makes of damaged bytes: a typed error, or rows.
  ///
  /// Never a trap or a hang.
  private func survive(_ bytes: [UInt8], _ name: String) {
    do {
      let options = TableReadOptions(batchRows: 4_096, threads: 1, batchBytes: 1 << 20)
      let reader = try openTable(bytes, name: name, options: options)
      var batches = 0
      while batches < 8, let batch = try reader.nextBatch() {
        batches += 1
        // Values are looked at, so that a bad offset or index would be met.
        for column in batch.columns where batch.count > 0 {
          for row in stride(from: 0, to: batch.count, by: 37) {
            _ = TableText.text(column[row])
          }
          _ = TableText.text(column[batch.count - 1])
        }
      }
    } catch let error as LarderError {
      let codes: [LarderError.Code] = [.invalidInput, .unsupported, .limitExceeded]
      #expect(codes.contains(error.code), "\(name): \(error)")
      #expect(error.file == name, "\(name): \(error)")
    } catch {
      Issue.record("\(name): \(error)")
    }
  }

  @Test(arguments: folders)
  func damagedFilesGiveTypedErrorsOrRows(folder: String) {
    let files = ExpectedFiles.golden(folder)
    let seed: UInt64 = 20_261_122
    var random = SeededRandom(seed: seed)
    for name in files.names() {
      let whole = files.bytes(name)
      for _ in 0..<60 { survive(Array(whole.prefix(random.int(0...whole.count))), name) }
      for _ in 0..<150 {
        var bytes = whole
        for _ in 0..<random.int(1...4) {
          // The footer is where most can go wrong.
          let from = random.chance(0.5) ? max(0, whole.count - 2_500) : 0
          let place = random.int(from...(whole.count - 1))
          bytes[place] =
            random.chance(0.5)
            ? bytes[place] ^ 1 << UInt8(random.int(0...7)) : UInt8(random.int(0...255))
        }
        survive(bytes, name)
      }
    }
  }
}
