import Glibc
import LarderColumns
import LarderContract
import LarderFiles
import LarderOnline

/// What writer, readers and tests agree on.
///
/// Batch b writes all rows of block b mod `blocks`, so the rows of a block are of one batch, or a
/// batch was torn; and from the last batch acknowledged follows how new each row must be.
enum Blocks {
  static let blocks = 300
  static let rows = 50
  static let store = FileIdentifier(high: 3, low: 5)

  static let view = FeatureView(
    "blocks", entities: [Entity("thing", joinKeys: [.int64("id")])],
    features: [
      Field("batch", .int64), Field("check", .int64), Field("text", .string),
    ],
    eventTimestamp: "at")

  /// A value that only this key and batch have.
  static func check(_ key: Int64, _ batch: Int64) -> Int64 {
    var word = UInt64(bitPattern: key &* 1_000_003 &+ batch)
    word = (word ^ word >> 29) &* 0xBF58_476D_1CE4_E5B9
    return Int64(bitPattern: word ^ word >> 32)
  }

  static func text(_ batch: Int64) -> String {
    String(repeating: "x", count: Int(batch % 150))
  }

  static func keys(ofBlock block: Int) -> [Int64] {
    (0..<rows).map { Int64(block * rows + $0) &* 7_919 }
  }

  /// The least batch that a block's rows may be of once a batch was acknowledged; -1 for none.
  static func least(block: Int, acknowledged: Int64) -> Int64 {
    let last = acknowledged - (acknowledged - Int64(block)) % Int64(blocks)
    return acknowledged < Int64(block) ? -1 : last
  }

  static func open(
    _ directory: String, durability: OnlineDurability, isReadOnly: Bool
  ) throws -> MappedOnlineStore {
    var options = OnlineOptions(durability: durability, lockTimeout: .seconds(5))
    options.firstLogFileBytes = 1 << 17
    options.largestLogFileBytes = 1 << 20
    let host = Host.system()
    let locks = try LockFile(
      in: directory, host: host, mode: isReadOnly ? .read : .createIfMissing)
    return MappedOnlineStore(
      host: host, directory: "\(directory)/online", store: store, locks: locks,
      isReadOnly: isReadOnly, options: options
    ) { _ in 1 }
  }

  static func batch(_ number: Int64) throws -> RecordBatch {
    let keys = keys(ofBlock: Int(number % Int64(blocks)))
    return try RecordBatch([
      "id": .int64(keys), "at": .timestamp(keys.map { _ in number }),
      "batch": .int64(keys.map { _ in number }),
      "check": .int64(keys.map { check($0, number) }),
      "text": .string(keys.map { _ in text(number) }),
    ])
  }

  /// What is wrong with a row that was read; nil if nothing is.
  static func fault(
    _ rows: OnlineRows, _ row: Int, key: Int64, least: Int64
  ) -> String? {
    guard case .int64(let batch) = rows.features.columns[0][row] else {
      return least < 0 ? nil : "key \(key) is missing; batch \(least) was acknowledged"
    }
    if batch < least { return "key \(key) is of batch \(batch); \(least) was acknowledged" }
    guard rows.features.columns[1][row] == .int64(check(key, batch)),
      rows.features.columns[2][row] == .string(text(batch))
    else { return "key \(key) is torn: \(rows.features.row(row))" }
    return nil
  }
}

/// The number of the last batch that was acknowledged, in a file.
struct Acknowledged {
  private let descriptor: Int32

  init(_ directory: String) {
    let path = "\(directory)/acknowledged"
    let writable = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    // On a read-only mount it is only asked.
    descriptor = writable >= 0 ? writable : open(path, O_RDONLY | O_CLOEXEC)
  }

  var number: Int64 {
    var value: Int64 = -1
    return pread(descriptor, &value, 8, 0) == 8 ? value : -1
  }

  func set(_ number: Int64) {
    var value = number
    _ = pwrite(descriptor, &value, 8, 0)
  }
}

/// Writes blocks until it is killed.
struct BlockWriter {
  let directory: String
  let durability: String

  func run() throws {
    let store = try Blocks.open(
      directory, durability: OnlineDurability(rawValue: durability) ?? .batch, isReadOnly: false)
    try store.update(
      keeping: [Blocks.view], deleting: [], entitiesToKeep: [], entitiesToDelete: [],
      partial: true)
    let acknowledged = Acknowledged(directory)
    // The batch after the last one may be there without having been acknowledged.
    var next = acknowledged.number + 1
    while true {
      try store.writeBatch(try Blocks.batch(next), to: Blocks.view)
      acknowledged.set(next)
      next += 1
    }
  }
}

/// Reads blocks and checks what it gets.
struct BlockReader {
  let directory: String

  func run(seconds: Double) throws {
    let store = try Blocks.open(directory, durability: .process, isReadOnly: true)
    let acknowledged = Acknowledged(directory)
    let clock = ContinuousClock()
    let end = clock.now + .milliseconds(Int(seconds * 1000))
    var reads = 0
    var word: UInt64 = UInt64(getpid())
    while clock.now < end {
      word = word &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let block = Int(word >> 33) % Blocks.blocks
      let keys = Blocks.keys(ofBlock: block)
      let least = Blocks.least(block: block, acknowledged: acknowledged.number)
      let rows = try store.read(
        RecordBatch(["id": .int64(keys)]), from: Blocks.view)
      for (row, key) in keys.enumerated() {
        if let fault = Blocks.fault(rows, row, key: key, least: least) {
          print(fault)
          exit(1)
        }
      }
      reads += keys.count
    }
    print("\(reads) rows read")
  }
}

/// Writes blocks and checks all of them.
struct BlockFiller {
  let directory: String

  /// Writes so many blocks.
  func fill(batches: Int64) throws {
    let store = try makeStore()
    for number in 0..<batches {
      try store.writeBatch(try Blocks.batch(number), to: Blocks.view)
      Acknowledged(directory).set(number)
    }
    try store.close()
  }

  /// Writes until there is no room, and checks that reading goes on.
  func fillTheDisk() throws {
    let store = try makeStore()
    var number: Int64 = 0
    while true {
      do { try store.writeBatch(try Blocks.batch(number), to: Blocks.view) } catch {
        guard let error = error as? LarderError, error.code == .noSpace else { throw error }
        break
      }
      Acknowledged(directory).set(number)
      number += 1
    }
    print("the disk was full after \(number) batches")
    try check()
    guard number > 10 else { exit(1) }
  }

  /// Reads every row.
  func check() throws {
    let store = try Blocks.open(directory, durability: .process, isReadOnly: true)
    let acknowledged = Acknowledged(directory).number
    for block in 0..<Blocks.blocks {
      let keys = Blocks.keys(ofBlock: block)
      let rows = try store.read(RecordBatch(["id": .int64(keys)]), from: Blocks.view)
      let least = Blocks.least(block: block, acknowledged: acknowledged)
      for (row, key) in keys.enumerated() {
        if let fault = Blocks.fault(rows, row, key: key, least: least) {
          print(fault)
          exit(1)
        }
      }
    }
  }

  private func makeStore() throws -> MappedOnlineStore {
    let store = try Blocks.open(directory, durability: .batch, isReadOnly: false)
    try store.update(
      keeping: [Blocks.view], deleting: [], entitiesToKeep: [], entitiesToDelete: [],
      partial: true)
    return store
  }
}
