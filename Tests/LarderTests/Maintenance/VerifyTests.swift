import Larder
import LarderColumns
import LarderContract
import LarderFiles
import LarderOnline
import TestSupport
import Testing

/// Checks beside writers, in copies, and of stores whose end is missing.
@Suite struct VerifyTests {
  /// What goes on beside is no damage.
  @Test func besideWritersNothingIsFound() throws {
    let root = try TemporaryDirectory()
    let path = root.path + "/s"
    let store = try FeatureStore(at: path, access: .create)
    try store.apply(ErasureWorld.small)
    let people = Array(1...1_500)
    try store.append(try ErasureWorld.rows(people, value: 1), to: "small")
    try store.online("small").write(try ErasureWorld.rows(people, value: 2))
    let writers = [
      WriterThread {
        for value in 3..<60 {
          try store.online("small").write(try ErasureWorld.rows(people, value: value))
          if value % 7 == 0 { try store.online("small").compact() }
          if value % 5 == 0 {
            try store.online("small").delete(try ErasureWorld.keys(Array(1...200)))
          }
        }
        try store.close()
      },
      WriterThread {
        let other = try FeatureStore(at: path)
        for value in 2..<30 {
          try other.append(try ErasureWorld.rows([1, 2, value], value: value), to: "small")
          if value % 9 == 0 { try other.compact() }
          if value % 10 == 0 { try other.vacuum() }
        }
      },
    ]
    let runs = caseCount(12, full: 400)
    for run in 0..<runs {
      let reader = try FeatureStore(at: path, access: .readOnly)
      let findings = try reader.verify(deep: run % 2 == 0).findings
      #expect(findings.isEmpty, "run \(run): \(findings)")
    }
    for writer in writers { try writer.join() }
    let last = try FeatureStore(at: path).verify(deep: true).findings
    #expect(last.isEmpty, "\(last)")
  }

  /// A store with earlier snapshots, copied as files are: STATE is not trusted there.
  private static func copied(_ root: String) throws -> (original: String, copy: String) {
    let path = root + "/s"
    let store = try FeatureStore(
      at: path, access: .create, options: StoreOptions(fold: .off))
    try store.apply(ErasureWorld.small)
    for value in 1...9 {
      try store.append(try ErasureWorld.rows([1, 2, 3], value: value), to: "small")
    }
    try store.materialize("small")
    try store.fold()
    try store.close()
    try copyFolder(path, to: root + "/c")
    return (path, root + "/c")
  }

  private static func harm(_ path: String) throws {
    let file = try POSIXFileSystem().open(path, .update)
    let offset = try file.status().bytes / 2
    try file.write([try file.readExactly(1, at: offset)[0] ^ 0x40], at: offset)
  }

  /// Harm of any segment is found in the copy as in the original, those of earlier snapshots too.
  @Test func harmIsFoundInCopiesAsInTheOriginal() throws {
    let root = try TemporaryDirectory()
    let (original, _) = try Self.copied(root.path)
    let files = POSIXFileSystem()
    let names = try files.names(in: original + "/offline/v1").filter { $0.hasSuffix(".seg") }
    #expect(names.count == 10)
    var found = 0
    for (index, name) in names.sorted().enumerated() {
      for isGone in [false, true] {
        var told: [[String]] = []
        for kind in ["o", "c"] {
          // The original again, and a copy of a copy.
          let path = "\(root.path)/\(kind)\(index)\(isGone)"
          try copyFolder(original, to: path)
          if kind == "o" { try FeatureStore(at: path).tag("mark") }
          let segment = "\(path)/offline/v1/\(name)"
          if isGone { try files.remove(segment) } else { try Self.harm(segment) }
          let report = try FeatureStore(at: path, access: .readOnly).verify(deep: true)
          told.append(
            report.findings.compactMap {
              $0.error.file?.split(separator: "/").last.map(String.init)
            }
          )
        }
        #expect(
          told[0].contains(name) && told[1].contains(name), "\(name), gone \(isGone): \(told)")
        found += 1
      }
    }
    print("harmed segments found in the original and in the copy:", found)
  }

  /// Takes the last records of a manifest away; each ends at a multiple of 4,096.
  private static func cut(_ path: String, records: Int) throws {
    let files = POSIXFileSystem()
    let name = try #require(try files.names(in: path).filter { $0.hasPrefix("manifest-") }.max())
    let file = try files.open("\(path)/\(name)", .update)
    let bytes = try file.readExactly(Int(try file.status().bytes), at: 0)
    let last = try #require(bytes.lastIndex { $0 != 0 })
    let start = (last / 4_096 + 1 - records) * 4_096
    let zeros = [UInt8](repeating: 0, count: bytes.count - start)
    try file.write(zeros, at: UInt64(start))
  }

  /// A manifest that ends with the record before is seen by what STATE says, in the original and in
  /// copies.
  @Test func aManifestCutAtARecordIsFound() throws {
    let root = try TemporaryDirectory()
    let (original, copy) = try Self.copied(root.path)
    try copyFolder(copy, to: root.path + "/again")
    for path in [original, copy, root.path + "/again"] {
      try Self.cut(path, records: 1)
      if path == original {
        // Where STATE is trusted, no query is answered at all.
        #expect(throws: LarderError.self) { try FeatureStore(at: path, access: .readOnly) }
        continue
      }
      let report = try FeatureStore(at: path, access: .readOnly).verify(deep: true)
      let isTold = report.findings.contains { $0.error.message.contains("were committed") }
      #expect(isTold, "\(report.findings)")
    }
  }

  /// Without STATE the files of the commits that are missing tell of them.
  @Test func aManifestCutWithoutStateIsFound() throws {
    let root = try TemporaryDirectory()
    let path = root.path + "/s"
    let files = POSIXFileSystem()
    do {
      let store = try FeatureStore(
        at: path, access: .create, options: StoreOptions(fold: .off))
      try store.apply(ErasureWorld.small)
      for value in 1...5 {
        try store.append(try ErasureWorld.rows([1, 2, 3], value: value), to: "small")
      }
      try store.materialize("small")
      try store.close()
    }
    try Self.cut(path, records: 2)
    try files.remove(path + "/STATE")
    let findings = try FeatureStore(at: path, access: .readOnly).verify().findings
    #expect(findings.contains { $0.error.file?.hasSuffix(".seg") ?? false }, "\(findings)")
    #expect(findings.contains { $0.error.message.contains("materialized from commit 6") })
  }
}
