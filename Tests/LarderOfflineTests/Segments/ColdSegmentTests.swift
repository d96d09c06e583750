import LarderColumns
import LarderEncodings
import LarderFiles
import LarderOffline
import TestSupport
import Testing

/// What is packed by entropy, by a table of strings or by zstd comes back; damage is found.
@Suite struct ColdSegmentTests {
  struct Sample {
    let directory: TemporaryDirectory
    let path: String
    let description: SegmentDescription
    let fixture: SegmentFixture
    let values: [[Value]]
  }

  static func sample(
    _ rows: Int, _ profile: SegmentProfile, seed: UInt64, checksPages: Bool? = nil
  ) throws -> Sample {
    var random = SeededRandom(seed: seed)
    let directory = try TemporaryDirectory()
    var fixture = SegmentFixture(rows: rows, meanRun: 50, random: &random)
    fixture.addCreated(nulls: 0.1, random: &random)
    var walk = 10_000
    let types: [DataType] = [.float64, .int64, .float64, .bool, .string, .string, .int32, .float32]
    var values = [[Value]](repeating: [], count: types.count)
    for row in 0..<rows {
      walk += random.int(-35...35)
      let price = Double(walk) / 100
      let ids = (random.int(0...2_000_000), random.int(0...99))
      values[0].append(.float64(random.chance(0.001) ? .nan : price))
      values[1].append(random.chance(0.2) ? .null : .int64(Int64(1) << random.int(0...40)))
      values[2].append(random.chance(0.7) ? .null : .float64(price))
      values[3].append(.bool(random.chance(0.1)))
      values[4].append(
        random.chance(0.1) ? .null : .string("https://example.org/item/\(ids.0)?from=\(ids.1)"))
      values[5].append(.string(["home", "food", "sport"][min(2, random.int(0...9) / 4)]))
      values[6].append(.int32(Int32(row % 7 * random.int(0...3))))
      values[7].append(.float32(Float(random.int(0...999)) / 8))
    }
    for (index, type) in types.enumerated() {
      fixture.features.append((UInt32(index), try Column.of(type, values[index])))
    }
    let path = directory.path + "/a.seg"
    let description = try fixture.write(
      to: path, options: SegmentOptions(profile: profile, checksPages: checksPages))
    return Sample(
      directory: directory, path: path, description: description, fixture: fixture, values: values)
  }

  /// Reads all of a segment, and compares it with a sample if there is one.
  private static func read(
    _ path: String, _ description: SegmentDescription?, as sample: Sample?
  ) throws {
    let segment = try Segment(path: path, files: POSIXFileSystem(), expected: description)
    let rows = 0..<segment.rows
    let ids = array(try segment.decodeIDs(rows: rows), as: UInt32.self)
    let events = array(try segment.decodeEvents(rows: rows), as: Int64.self)
    let created = try segment.decodeCreated(rows: rows)
    if let sample {
      #expect(ids == sample.fixture.ids)
      #expect(events == sample.fixture.events)
      for row in rows {
        let expected = sample.fixture.created?[row]
        let found = try #require(created)[row]
        #expect(
          found == expected.map { .timestamp(Timestamp(ticks: $0, unit: .microseconds)) } ?? .null)
      }
    }
    for feature in segment.features {
      let column = try #require(try segment.column(fieldID: feature.fieldID))
      // A part, then all: pages are unpacked once, and ranges begin anywhere.
      let from = segment.rows / 3
      let part = try column.decode(rows: from..<segment.rows)
      let whole = try column.decode(rows: rows)
      guard let expected = sample?.values[Int(feature.fieldID)] else { continue }
      for row in rows {
        same(whole[row], expected[row], "field \(feature.fieldID), row \(row)")
        if row >= from {
          same(part[row - from], expected[row], "field \(feature.fieldID) from \(from)")
        }
      }
    }
    if sample != nil { #expect(segment.verifyDeep().isEmpty) }
  }

  private static func same(_ found: Value, _ expected: Value, _ what: String) {
    if case .float64(let a) = found, case .float64(let b) = expected {
      #expect(a.bitPattern == b.bitPattern, "\(what)")
    } else {
      #expect(found == expected, "\(what)")
    }
  }

  @Test(arguments: [SegmentProfile.hot, .cold], [100, 2_047, 2_048, 5_000])
  func valuesComeBack(profile: SegmentProfile, rows: Int) throws {
    let sample = try Self.sample(rows, profile, seed: UInt64(rows))
    try Self.read(sample.path, sample.description, as: sample)
  }

  @Test func pagesOfACompleteSegmentComeBack() throws {
    let sample = try Self.sample(66_000, .cold, seed: 1, checksPages: false)
    try Self.read(sample.path, sample.description, as: sample)
  }

  /// The same rows take much less cold, and texts much less either way.
  @Test func sizesAreWhatTheFormatIsFor() throws {
    let hot = try Self.sample(20_000, .hot, seed: 4, checksPages: false)
    let cold = try Self.sample(20_000, .cold, seed: 4, checksPages: false)
    #expect(cold.description.fileBytes * 100 < hot.description.fileBytes * 75)
    let texts = hot.values[4].reduce(0) { $0 + ("\($1)".utf8.count) }
    #expect(hot.description.fileBytes < UInt64(texts))
  }

  @Test func flipsAreFound() throws {
    let sample = try Self.sample(2_500, .cold, seed: 2)
    let file = try POSIXFileSystem().open(sample.path, .read)
    let bytes = try file.readExactly(Int(sample.description.fileBytes), at: 0)
    let path = sample.directory.path + "/flipped.seg"
    let flipped = try POSIXFileSystem().open(path, .create)
    try flipped.write(bytes, at: 0)
    var random = SeededRandom(seed: 3)
    for _ in 0..<300 {
      let position = random.int(0...bytes.count - 1)
      let bit = UInt8(1) << UInt8(random.int(0...7))
      try flipped.write([bytes[position] ^ bit], at: UInt64(position))
      #expect(throws: LarderError.self, "byte \(position)") {
        try Self.read(path, sample.description, as: nil)
      }
      try flipped.write([bytes[position]], at: UInt64(position))
    }
  }

  #if DEBUG
    /// A writer of evil files recomputes every checksum: what is read may be wrong, but never outside.
    @Test(arguments: [SegmentProfile.hot, .cold])
    func flipsUnderNewChecksumsNeverTrap(profile: SegmentProfile) throws {
      let sample = try Self.sample(2_100, profile, seed: 5)
      let file = try POSIXFileSystem().open(sample.path, .read)
      let sound = try file.readExactly(Int(sample.description.fileBytes), at: 0)
      let path = sample.directory.path + "/evil.seg"
      let evil = try POSIXFileSystem().open(path, .create)
      var random = SeededRandom(seed: 6)
      var read = 0
      for _ in 0..<250 {
        var bytes = sound
        // Half of them in the footer, which is small.
        let from = random.chance(0.5) ? 64 : max(64, bytes.count - 3_000)
        for _ in 0..<random.int(1...3) {
          let position = random.int(from...(bytes.count - 65))
          bytes[position] = random.chance(0.5) ? UInt8(random.int(0...255)) : 0xFF
        }
        SegmentForgery.seal(&bytes)
        try evil.write(bytes, at: 0)
        do {
          try Self.read(path, nil, as: nil)
          read += 1
        } catch let error as LarderError {
          #expect([.corrupt, .unsupportedVersion, .limitExceeded].contains(error.code))
        }
      }
      #expect(read > 0, "Some flips change values only, and are then read.")
    }
  #endif
}
