import LarderColumns
import LarderFiles
import LarderKeys
import TestSupport
import Testing

/// The log's part of a commit under crashes at every operation: what a state was acknowledged for
/// is there, and the next writer goes on from it.
@Suite struct KeyLogCrashTests {
  private static let identity = KeyLogIdentity(store: FileIdentifier(high: 3, low: 4), set: 1)

  private static func tail(_ id: UInt32) -> [UInt8] { Array("key \(id * 7_919)".utf8) }

  private static func keys(_ schema: KeySchema, _ ids: Range<UInt32>) throws -> NewKeys {
    let keys = NewKeys(schema: schema, first: ids.lowerBound)
    for id in ids { try tail(id).withUnsafeBytes { try keys.append($0) } }
    return keys
  }

  private static func open(
    _ files: SimulatedFileSystem, _ schema: KeySchema, _ state: KeyLogState
  ) throws -> KeyLog {
    try KeyLog.open(
      in: files, directory: "/k", identity: identity, schema: schema, state: state)
  }

  /// Two writers after one another, an erasure between; notes each state once it is durable.
  private static func work(
    _ files: SimulatedFileSystem, _ schema: KeySchema, durable: inout [KeyLogState]
  ) throws {
    let writer = try KeyLogWriter(
      creating: 1, of: schema, identity: identity, in: files, directory: "/k")
    try writer.append(keys(schema, 0..<50))
    try writer.sync()
    try files.syncDirectory("/k")
    durable.append(writer.state)
    try writer.append(keys(schema, 50..<3_000))
    try writer.sync()
    durable.append(writer.state)
    // An append whose commit never comes, then the next writer from the committed state.
    try writer.append(keys(schema, 3_000..<3_100))
    let log = try open(files, schema, durable[1])
    let next = try KeyLogWriter(continuing: log, in: files, directory: "/k")
    try next.append(keys(schema, 3_000..<3_001))
    try next.sync()
    durable.append(next.state)
    let erased = try open(files, schema, durable[2]).rewrite(
      erasing: [7], as: 2, in: files, directory: "/k")
    try erased.sync()
    try files.syncDirectory("/k")
    durable.append(erased.state)
    try KeyMap.build(
      from: open(files, schema, durable[3]), without: RetiredIDs([7]),
      as: FileIdentifier(high: 0, low: 9), in: files, directory: "/k")
  }

  @Test func keepsWhatWasDurableAtEveryCrash() throws {
    let schema = try KeySchema([KeyColumn("id", .string)])
    var operation = 1
    var finished = false
    while !finished {
      for seed in 0..<3 as Range<UInt64> {
        let place = Comment("operation \(operation), seed \(seed)")
        let files = SimulatedFileSystem(seed: seed)
        try files.makeDirectory("/k")
        try files.syncDirectory("/")
        files.crashAtOperation(files.operations + operation)
        var durable: [KeyLogState] = []
        do {
          try Self.work(files, schema, durable: &durable)
          finished = true
        } catch {}
        let rebooted = files.crash(seed: seed &+ 100)
        for state in durable {
          let log = try Self.open(rebooted, schema, state)
          try log.verify()
          let wrong = try (0..<log.count).count { id in
            let expected = state.generation == 2 && id == 7 ? nil : Self.tail(id)
            return try log.tail(of: id).map { Array($0) } != expected
          }
          #expect(wrong == 0, place)
        }
        guard let last = durable.last else { continue }
        // A map is whole or passed over, and the next writer goes on.
        let log = try Self.open(rebooted, schema, last)
        let map = try KeyMap.newest(in: rebooted, directory: "/k", for: log)
        let retired = last.generation == 2 ? RetiredIDs([7]) : RetiredIDs()
        try KeyDirectory(log: log, map: map, retired: retired).checkInvariants()
        let writer = try KeyLogWriter(continuing: log, in: rebooted, directory: "/k")
        try writer.append(Self.keys(schema, last.count..<last.count + 10))
        try writer.sync()
        try Self.open(rebooted, schema, writer.state).verify()
      }
      operation += 1
      if operation > 500 { break }
    }
    #expect(finished && operation > 10)
  }
}
