import LarderColumns
import LarderFiles
import LarderKeys
import Testing

@Suite struct EntityLimitTests {
  /// The limit itself is 4 billion keys; the same code is held to a lower one.
  @Test(arguments: [(99, true), (100, true), (101, false)])
  func holdsTheEntitiesOfASet(_ entities: Int, _ isFine: Bool) throws {
    let files = SimulatedFileSystem(seed: 1)
    try files.makeDirectory("/k1")
    let identity = KeyLogIdentity(store: FileIdentifier(high: 1, low: 2), set: 1)
    let schema = try KeySchema([KeyColumn("id", .int64)])
    let writer = try KeyLogWriter(
      creating: 1, of: schema, identity: identity, in: files, directory: "/k1")
    let log = try KeyLog.open(
      in: files, directory: "/k1", identity: identity, schema: schema, state: writer.state)
    let assignment = try KeyDirectory(log: log).assignment(limit: 100)
    let column = Column.int64((0..<1_000).map { Int64($0 % entities) })
    let keys = try KeyBatch([("id", column)], schema: schema, rows: 0..<1_000, for: .write)
    var ids = [UInt32](repeating: .max, count: 1_000)
    func assign() throws {
      try ids.withUnsafeMutableBufferPointer { try assignment.assign(keys, into: $0) }
    }
    if isFine {
      try assign()
      #expect(ids == (0..<1_000).map { UInt32($0 % entities) })
    } else {
      let failure = #expect(throws: LarderError.self) { try assign() }
      #expect(failure?.code == .limitExceeded)
    }
  }
}
