#if DEBUG
  import LarderColumns
  import LarderEncodings
  import LarderFiles
  import TestSupport
  import Testing

  @testable import LarderOffline

  /// Offsets that no writer makes, under checksums that hold.
  @Suite struct HostileOffsetTests {
    /// Within a page its verification looks at every offset; what lies between two pages is looked at
    /// when both are read.
    @Test func listsMayNotEndBeforeTheyBeginFromPageToPage() throws {
      let directory = try TemporaryDirectory()
      let path = directory.path + "/lists.seg"
      var random = SeededRandom(seed: 8)
      let rows = Limits.pageRows + 64
      var fixture = SegmentFixture(rows: rows, random: &random)
      let elements = Column.int64((0..<rows).map { Int64($0) })
      let lists = Column(
        type: .list(.int64), count: rows, nullCount: 0, validity: nil,
        values: Buffer(copying: (0...rows).map { Int32($0) }), child: elements)
      fixture.features = [(1, lists)]
      let description = try fixture.write(to: path)
      let files = POSIXFileSystem()
      var bytes = try files.open(path, .read).readExactly(Int(description.fileBytes), at: 0)
      let whole = try Segment(path: path, files: files, expected: nil)
      let column = try #require(try whole.column(fieldID: 1))
      try #require(column.lanes.headers[64].base == Int64(Limits.pageRows))
      // The second page's offsets begin at 5, and rise.
      let base = Int(column.record.headers.offset) + 64 * MemoryLayout<VectorHeader>.stride
      for index in 0..<8 { bytes[base + index] = index == 0 ? 5 : 0 }
      SegmentForgery.seal(&bytes)
      try files.open(path, .update).write(bytes, at: 0)
      let segment = try Segment(path: path, files: files, expected: nil)
      let forged = try #require(try segment.column(fieldID: 1))
      for range in [Limits.pageRows - 1..<Limits.pageRows, Limits.pageRows - 9..<rows, 0..<rows] {
        let error = try #require(throws: LarderError.self) { try forged.decode(rows: range) }
        #expect(error.code == .corrupt, "\(error)")
      }
      #expect(try forged.decode(rows: 0..<Limits.pageRows - 1).count == Limits.pageRows - 1)
      #expect(!segment.verifyDeep().isEmpty)
    }
  }
#endif
