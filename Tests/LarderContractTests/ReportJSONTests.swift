import Foundation
import LarderColumns
import LarderContract
import Testing

/// Reports have one form in JSON, which the command, C and Python give, and which is read back.
@Suite struct ReportJSONTests {
  private let commit = Commit(
    id: 17, time: Timestamp(microseconds: 1_700_000_000_000_001), chainHash: .max)
  private let time = Timestamp(microseconds: 1_600_000_000_000_000)

  /// Writes a report by Larder's encoder and by Foundation's, and reads both back.
  private func roundTrip<Report: Codable & Equatable>(
    _ report: Report, members: [String]
  ) throws {
    let json = try report.json(indented: false)
    #expect(try JSONDecoder().decode(Report.self, from: Data(json)) == report)
    let other = try JSONEncoder().encode(report)
    #expect(try JSONDecoder().decode(Report.self, from: other) == report)
    guard case .object(let found) = try JSONValue(encoding: report).content else {
      Issue.record("\(Report.self) is no object")
      return
    }
    #expect(found.map(\.name) == members, "\(Report.self)")
  }

  private func nulls(_ report: some Encodable) throws -> [String] {
    guard case .object(let members) = try JSONValue(encoding: report).content else { return [] }
    return members.filter { if case .null = $0.value.content { true } else { false } }.map(\.name)
  }

  @Test func commitsAreOneObjectEverywhere() throws {
    #expect(
      String(decoding: try commit.json(indented: false), as: UTF8.self)
        == #"{"commit":17,"time":"2023-11-14T22:13:20.000001Z","chainHash":"ffffffffffffffff"}"#)
    try roundTrip(commit, members: ["commit", "time", "chainHash"])
    try roundTrip(
      OnlineWatermark(commit: 3, chainHash: 255, through: time),
      members: ["commit", "chainHash", "through"])
    try roundTrip(
      SnapshotInfo(commit: commit, tags: ["a"], isHead: true, isPinned: false),
      members: ["commit", "time", "chainHash", "tags", "isHead", "isPinned"])
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(
        Commit.self, from: Data(#"{"commit":1,"time":"2020-01-01","chainHash":"x"}"#.utf8))
    }
  }

  @Test func reportsAreReadBack() throws {
    try roundTrip(
      RollbackReport(
        from: commit, to: commit, commit: nil,
        views: [RollbackReport.View(name: "v", rowsBefore: nil, rowsAfter: 3)],
        tablesBehind: ["v"], isDryRun: true),
      members: ["from", "to", "commit", "views", "tablesBehind", "dryRun"])
    let space = SpaceReport(
      filesRemoved: 1, bytesReturned: .max, bytesWaiting: 2, waitingUntil: time, oldest: 4,
      isDryRun: false)
    try roundTrip(
      space,
      members: [
        "filesRemoved", "bytesReturned", "bytesWaiting", "waitingUntil", "oldest", "dryRun",
        "erasure",
      ])
    try roundTrip(
      ExpiryReport(
        view: "v", reference: time, cutoff: nil, rows: 1, rowsLeft: 2, segmentsRemoved: 3,
        segmentsRewritten: 4, commit: commit, space: space, isTableBehind: true),
      members: [
        "view", "reference", "cutoff", "rows", "rowsLeft", "segmentsRemoved", "segmentsRewritten",
        "commit", "space", "isTableBehind", "dryRun",
      ])
    let extent = CompactionReport.Extent(segments: 1, rows: 2, bytes: 3, debtRows: 4)
    try roundTrip(
      CompactionReport(
        views: [
          CompactionReport.View(
            name: "v", before: extent, after: extent,
            partitions: [.init(name: "2026", segments: 1, rows: 2, debtRows: 3)], seconds: 0.5)
        ], isDryRun: true),
      members: ["views", "dryRun", "bytesReturned", "bytesWaiting", "waitingUntil", "erasure"])
    try roundTrip(
      MaterializationReport(
        view: "v", rows: 1, changedKeys: 2, lateRows: 3,
        watermark: OnlineWatermark(commit: 1, through: time), isRebuilt: true,
        leftOut: [
          .init(view: "v", key: ["k": .int64(7)], column: nil, reason: "too large \"x\"")
        ], seconds: 1.5),
      members: [
        "view", "rows", "changedKeys", "lateRows", "watermark", "isRebuilt", "leftOut", "seconds",
      ])
    try roundTrip(
      StoreReport(
        commit: commit,
        views: [
          .init(
            name: "v", rows: 1, keys: 2, firstEvent: nil, lastEvent: time, segments: 3,
            partitions: 4, bytes: 5, debtRows: 6,
            parts: [.init(name: "x", bytes: 7, encodings: ["plain"])])
        ], notes: ["n"]), members: ["commit", "views", "notes"])
    try roundTrip(
      BackupReport(path: "/p", commit: commit),
      members: [
        "path", "commit", "linkedFiles", "linkedBytes", "copiedFiles", "copiedBytes", "rows",
      ])
    try roundTrip(
      RetrievalReport(
        rows: 1, views: [.init(name: "v", matchedRows: 2, segments: 3)], threads: 4,
        seconds: ["total": 0.25, "keys": 0.125], bytesTouched: 5),
      members: ["rows", "views", "threads", "seconds", "bytesTouched"])
    try roundTrip(
      DefinitionChange(.addedFeature, "v", feature: "x", detail: "int64"),
      members: ["kind", "name", "feature", "detail", "text"])
  }

  @Test func findingsCertificatesAndParityAreReadBack() throws {
    let finding = Finding(
      LarderError(.corrupt, "It is \"wrong\".", file: "/f", offset: 9), affects: "all")
    try roundTrip(finding, members: ["code", "message", "file", "offset", "affects"])
    try roundTrip(
      VerificationReport(
        commit: commit, files: 1, bytes: 2, rows: 3, findings: [finding], notes: [],
        lastGood: commit),
      members: ["commit", "files", "bytes", "rows", "findings", "notes", "lastGood"])
    try roundTrip(
      RepairReport(steps: [.init(path: "p", action: "a", reason: "r")], findings: [finding]),
      members: ["steps", "findings"])
    try roundTrip(
      ErasureReport(
        entity: "e", requested: 1, store: "/s", isDryRun: false,
        keys: [.init(joinKeys: ["k"], count: 1)], maskedSince: commit,
        files: [
          .init(path: "p", inode: 1, device: 2, kind: "segment", rows: 3, isRemoved: true)
        ], search: .init(files: 1, bytes: 2, places: ["here"]), outOfReach: ["copies"]),
      members: [
        "store", "entity", "requested", "dryRun", "keys", "maskedSince", "finished", "complete",
        "files", "pending", "searched", "outOfReach",
      ])
    var view = ParityReport.View(name: "v")
    view.samples = [
      .init(key: ["k": .string("a")], column: "x", online: .null, offline: .float64(0.5))
    ]
    try roundTrip(
      ParityReport(views: [view], seed: .max), members: ["isEqual", "seed", "views"])
  }

  @Test func whatIsNotThereIsNull() throws {
    let report = RollbackReport(from: commit, to: commit, commit: nil, views: [])
    #expect(try nulls(report) == ["commit"])
    let none: ErasureReport? = nil
    #expect(String(decoding: try none.json(), as: UTF8.self) == "null")
    let list = [DefinitionChange(.addedView, "v")]
    #expect(
      String(decoding: try list.json(indented: false), as: UTF8.self)
        == #"[{"kind":"addedView","name":"v","feature":null,"detail":"","text":"added view v"}]"#)
    // Names of a dictionary are in order, whatever the order it has them in.
    let seconds = Dictionary(uniqueKeysWithValues: (0..<20).map { ("s\($0 % 10)\($0)", 0.5) })
    let text = String(decoding: try seconds.json(indented: false), as: UTF8.self)
    let names = text.split(separator: "\"").enumerated().filter { $0.offset % 2 == 1 }.map(
      \.element)
    #expect(names == names.sorted() && names.count == 20)
  }

  @Test func valuesAreJSONs() throws {
    let values: [(Value, String)] = [
      (.null, "null"), (.bool(true), "true"), (.int32(-1), "-1"), (.int64(.min), "\(Int64.min)"),
      (.float64(0.1), "0.1"), (.float32(0.1), "0.1"), (.float64(.nan), #""nan""#),
      (.string("a\n"), #""a\n""#), (.bytes([0, 255]), #""AP8=""#),
      (.timestamp(Timestamp(seconds: 0)), #""1970-01-01T00:00:00Z""#), (.date(1), #""1970-01-02""#),
      (.list([.int64(1), .null]), "[1,null]"),
    ]
    for (value, text) in values {
      #expect(String(decoding: try value.json(indented: false), as: UTF8.self) == text)
    }
  }
}
