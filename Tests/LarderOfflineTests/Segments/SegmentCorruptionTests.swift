import Glibc
import LarderColumns
import LarderEncodings
import LarderFiles
import LarderOffline
import TestSupport
import Testing

/// Damaged files: a typed error or the very same values, and never a trap.
@Suite struct SegmentCorruptionTests {
  private struct Sample {
    let bytes: [UInt8]
    let description: SegmentDescription
    let contents: [String]
    let directory: TemporaryDirectory
  }

  private func sample() throws -> Sample {
    var random = SeededRandom(seed: 11)
    let directory = try TemporaryDirectory()
    var fixture = SegmentFixture(rows: 90, meanRun: 8, random: &random)
    fixture.addCreated(nulls: 0.2, random: &random)
    let types: [DataType] = [.int64, .float64, .string, .bytes, .bool, .list(.int32)]
    for (index, type) in types.enumerated() {
      let values = SegmentColumns.values(
        type, shape: index % 4, count: 90, nulls: index % 2 == 0 ? 0.2 : 0.7, random: &random)
      fixture.features.append((UInt32(index), try Column.of(type, values)))
    }
    let path = directory.path + "/a.seg"
    let description = try fixture.write(to: path)
    let file = try POSIXFileSystem().open(path, .read)
    let bytes = try file.readExactly(Int(description.fileBytes), at: 0)
    return Sample(
      bytes: bytes, description: description, contents: try contents(path, description),
      directory: directory)
  }

  /// All that a segment holds, as text.
  private func contents(_ path: String, _ description: SegmentDescription) throws -> [String] {
    let segment = try Segment(path: path, files: POSIXFileSystem(), expected: description)
    let rows = 0..<segment.rows
    var lines: [String] = []
    lines.append("\(array(try segment.decodeIDs(rows: rows), as: UInt32.self))")
    lines.append("\(array(try segment.decodeEvents(rows: rows), as: Int64.self))")
    if let created = try segment.decodeCreated(rows: rows) {
      lines.append("\(rows.map { created[$0] })")
    }
    for feature in segment.features {
      let column = try #require(try segment.column(fieldID: feature.fieldID))
      let values = try column.decode(rows: rows)
      lines.append("\(rows.map { values[$0] })")
    }
    return lines
  }

  @Test func everyBitFlipIsFound() throws {
    let sample = try sample()
    let path = sample.directory.path + "/flipped.seg"
    let file = try POSIXFileSystem().open(path, .create)
    try file.write(sample.bytes, at: 0)
    for position in sample.bytes.indices {
      let bit = UInt8(1) << UInt8(position & 7)
      try file.write([sample.bytes[position] ^ bit], at: UInt64(position))
      let error = #expect(throws: LarderError.self, "byte \(position)") {
        _ = try contents(path, sample.description)
      }
      #expect(
        error?.code == .corrupt || error?.code == .unsupportedVersion, "byte \(position)")
      #expect(error?.file == path, "byte \(position)")
      try file.write([sample.bytes[position]], at: UInt64(position))
    }
    #expect(try contents(path, sample.description) == sample.contents)
  }

  @Test func everyTruncationAndExtensionIsFound() throws {
    let sample = try sample()
    let path = sample.directory.path + "/cut.seg"
    let file = try POSIXFileSystem().open(path, .create)
    try file.write(sample.bytes, at: 0)
    try file.write([0], at: UInt64(sample.bytes.count))
    var lengths = [sample.bytes.count + 1]
    lengths.append(contentsOf: stride(from: sample.bytes.count - 1, through: 0, by: -1))
    for length in lengths {
      truncate(path, length)
      for expected in [sample.description, nil] {
        let error = #expect(throws: LarderError.self, "\(length) bytes") {
          _ = try Segment(path: path, files: POSIXFileSystem(), expected: expected)
        }
        #expect(error?.code == .corrupt, "\(length) bytes")
      }
    }
  }

  #if DEBUG
    /// A writer of evil files recomputes every checksum: what is read may be wrong, but never outside.
    @Test func flipsUnderNewChecksumsNeverTrap() throws {
      let sample = try sample()
      let path = sample.directory.path + "/evil.seg"
      let file = try POSIXFileSystem().open(path, .create)
      var random = SeededRandom(seed: 5)
      var read = 0
      for _ in 0..<1_000 {
        var bytes = sample.bytes
        for _ in 0..<random.int(1...3) {
          let position = random.int(64...(bytes.count - 65))
          bytes[position] = random.chance(0.5) ? UInt8(random.int(0...255)) : 0xFF
        }
        SegmentForgery.seal(&bytes)
        try file.write(bytes, at: 0)
        do {
          let segment = try Segment(path: path, files: POSIXFileSystem(), expected: nil)
          _ = try contents(path, segment.description)
          read += 1
        } catch let error as LarderError {
          #expect([.corrupt, .unsupportedVersion, .limitExceeded].contains(error.code))
        }
      }
      #expect(read > 0, "Some flips change values only, and are then read.")
    }
  #endif

  @Test func anotherSegmentIsRefused() throws {
    let sample = try sample()
    let path = sample.directory.path + "/a.seg"
    var other = sample.description
    other.viewID += 1
    #expect(throws: LarderError.self) {
      _ = try Segment(path: path, files: POSIXFileSystem(), expected: other)
    }
    #expect(throws: LarderError.self) {
      _ = try Segment(path: path + "x", files: POSIXFileSystem(), expected: nil)
    }
  }

  @Test func whatIsNotSortedIsRefused() throws {
    let directory = try TemporaryDirectory()
    var random = SeededRandom(seed: 3)
    var fixture = SegmentFixture(rows: 100, random: &random)
    fixture.ids.swapAt(0, 99)
    #expect(throws: LarderError.self) { try fixture.write(to: directory.path + "/a.seg") }
    fixture.ids.swapAt(0, 99)
    fixture.events[1] = fixture.events[0] - 1
    if fixture.ids[0] == fixture.ids[1] {
      #expect(throws: LarderError.self) { try fixture.write(to: directory.path + "/b.seg") }
    }
    fixture.ids = []
    fixture.events = []
    #expect(throws: LarderError.self) { try fixture.write(to: directory.path + "/c.seg") }
  }
}
