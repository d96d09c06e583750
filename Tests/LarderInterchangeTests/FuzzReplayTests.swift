import Glibc
import InterchangeFuzzing
import LarderColumns
import LarderInterchange
import TestSupport
import Testing

/// What fuzzing found, kept and read again; and some seeded fuzzing of its own, past the checksums.
@Suite struct FuzzReplayTests {
  private static let root =
    "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

  private static let readers: [String: @Sendable ([UInt8]) -> Void] = [
    "parquet": InterchangeFuzzing.surviveParquet, "arrow": InterchangeFuzzing.surviveArrow,
    "csv": InterchangeFuzzing.surviveCSV, "codecs": InterchangeFuzzing.surviveCodecs,
  ]

  @Test(arguments: ["parquet", "arrow", "csv", "codecs"])
  func keptInputsAreSurvived(kind: String) throws {
    let files = ExpectedFiles(directory: "\(Self.root)/Tests/Fuzz/Corpus/\(kind)")
    let names = files.names()
    #expect(!names.isEmpty)
    let survive = try #require(Self.readers[kind])
    for name in names { survive(files.bytes(name)) }
  }

  @Test(arguments: ["parquet", "arrow"])
  func changedInputsAreSurvived(kind: String) throws {
    let files = ExpectedFiles(directory: "\(Self.root)/fixtures/\(kind)")
    #expect(files.names().count >= 5)
    let survive = try #require(Self.readers[kind])
    let seed: UInt64 = 77
    var random = SeededRandom(seed: seed)
    for name in files.names() {
      let whole = files.bytes(name)
      for _ in 0..<40 {
        var bytes = whole
        for _ in 0..<random.int(1...6) {
          let at = random.int(0...(bytes.count - 1))
          switch random.int(0...3) {
          case 0: bytes[at] ^= 1 << UInt8(random.int(0...7))
          case 1: bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][random.int(0...4)]
          case 2:
            let from = random.int(0...(bytes.count - 1))
            for offset in 0..<min(8, bytes.count - max(at, from)) {
              bytes[at + offset] = bytes[from + offset]
            }
          default: bytes[at] = bytes[at] &+ UInt8(random.int(0...2)) &- 1
          }
        }
        survive(bytes)
      }
    }
  }

  /// What each codec's seed holds is read, and changes of it are survived.
  @Test func seedsOfEachCodecAreRead() throws {
    let files = ExpectedFiles(directory: "\(Self.root)/Tests/Fuzz/Corpus/codecs")
    let whole = files.names().filter { $0.hasPrefix("whole-") }
    #expect(whole.count >= 8)
    var random = SeededRandom(seed: 5)
    for name in whole {
      let bytes = files.bytes(name)
      let file = try #require(CodecPages.file(bytes))
      let reader = try openTable(file, name: name, options: TableReadOptions())
      #expect(try reader.readAll().count == Int(bytes[4]), "\(name)")
      for _ in 0..<200 {
        var changed = bytes
        for _ in 0..<random.int(1...3) {
          changed[random.int(0...(changed.count - 1))] = UInt8(random.int(0...255))
        }
        InterchangeFuzzing.surviveCodecs(changed)
      }
    }
  }

  /// A change of a page's body changes its checksum too, and nothing else.
  @Test func checksumsAreMended() throws {
    let files = ExpectedFiles(directory: "\(Self.root)/fixtures/parquet")
    let whole = files.bytes("lists-checksums.parquet")
    try #require(whole.count > 400)
    var mended = whole
    PageChecksums.repair(&mended)
    #expect(mended == whole)
    // Some of these bytes are of bodies, some of headers.
    let differences = (20..<400).map { at in
      var changed = whole
      changed[at] ^= 0xFF
      PageChecksums.repair(&changed)
      return zip(changed, whole).count { $0 != $1 }
    }
    #expect(differences.contains { (2...6).contains($0) }, "no checksum was written")
  }
}
