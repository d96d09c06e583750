import Glibc
import LarderColumns
import LarderFiles
import LarderOffline
import TestSupport
import Testing

/// Files of every released version of the format must be read forever.
///
/// `LARDER_WRITE_GOLDEN=1` writes the file of the current version again; a released one never changes.
@Suite struct SegmentGoldenTests {
  private static let directory: String = {
    let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    return parts.dropLast(4).joined(separator: "/") + "/fixtures/segments"
  }()

  @Test(arguments: ["version-1"]) func releasedFilesAreRead(name: String) throws {
    let path = "\(Self.directory)/\(name)"
    if getenv("LARDER_WRITE_GOLDEN") != nil {
      try POSIXFileSystem().remove(path + ".seg")
      try POSIXFileSystem().remove(path + ".expected")
      _ = try SegmentVerificationTests.fixture(rows: 130, seed: 2026).write(to: path + ".seg")
      let file = try POSIXFileSystem().open(path + ".expected", .create)
      try file.write(Array(try contents(path + ".seg").utf8), at: 0)
    }
    let file = try POSIXFileSystem().open(path + ".expected", .read)
    let expected = try file.readExactly(Int(try file.status().bytes), at: 0)
    #expect(try contents(path + ".seg") == String(decoding: expected, as: UTF8.self))
  }

  /// What a segment holds: ids and times, and the start and the hash of each column's values.
  private func contents(_ path: String) throws -> String {
    let segment = try Segment(path: path, files: POSIXFileSystem(), expected: nil)
    #expect(segment.verifyDeep() == [])
    let rows = 0..<segment.rows
    var lines = ["ids \(array(try segment.decodeIDs(rows: rows), as: UInt32.self))"]
    lines.append("events \(array(try segment.decodeEvents(rows: rows), as: Int64.self))")
    if let created = try segment.decodeCreated(rows: rows) {
      lines.append("created \(rows.map { created[$0].description })")
    }
    for feature in segment.features {
      let column = try #require(try segment.column(fieldID: feature.fieldID))
      let values = try column.decode(rows: rows)
      let line = rows.map { text(values[$0]) }.joined(separator: ",")
      let hash = String(XXH3.hash64(Array(line.utf8)), radix: 16)
      lines.append("\(feature.fieldID) \(column.type) \(line.prefix(60)) \(hash)")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A value with every bit of it.
  private func text(_ value: Value) -> String {
    switch value {
    case .float32(let float): "f\(String(float.bitPattern, radix: 16))"
    case .float64(let double): "d\(String(double.bitPattern, radix: 16))"
    case .bytes(let bytes): "b" + bytes.map { String($0, radix: 16) }.joined(separator: ".")
    case .list(let list): "[" + list.map(text).joined(separator: " ") + "]"
    default: value.description
    }
  }
}
