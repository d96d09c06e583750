import LarderColumns
import LarderFiles
import TestSupport
import Testing

/// The simulator against a model of its promises: what was synced is there, what was not may be.
@Suite struct SimulatedCrashTests {
  @Test(arguments: 0..<60 as Range<UInt64>)
  func crashesKeepWhatWasSynced(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let machine = SimulatedFileSystem(seed: seed)
    var model = try Model(machine)
    for _ in 0..<60 {
      try model.step(&random)
      if random.chance(0.2) {
        for crash in 0..<5 as Range<UInt64> { try model.check(crash, seed: seed) }
      }
    }
    // A crash of what a crash left loses nothing more.
    let once = machine.crash(seed: 7)
    let twice = once.crash(seed: 8)
    #expect(once.paths == twice.paths)
    for path in once.paths { #expect(once.contents(of: path) == twice.contents(of: path)) }
  }

  @Test func everyFateOfASectorIsSeen() throws {
    let machine = SimulatedFileSystem(seed: 3)
    let old = [UInt8](repeating: 1, count: 2048)
    let new = [UInt8](repeating: 3, count: 4096)
    let file = try machine.open("/a", .create)
    try machine.syncDirectory("/")
    try file.write(old, at: 0)
    try file.syncData()
    try file.write([UInt8](repeating: 2, count: 4096), at: 0)
    try file.write(new, at: 0)
    var sizes: Set<Int> = []
    var first: [String: Int] = [:]
    var torn = 0
    for seed in 0..<400 as Range<UInt64> {
      let content = try #require(machine.crash(seed: seed).contents(of: "/a"))
      sizes.insert(content.count)
      let sectors = stride(from: 0, to: 2048, by: 512).map { Set(content[$0..<$0 + 512]) }
      let fates = sectors.map { $0.count > 1 ? "garbage" : "\($0.first ?? 0)" }
      first[fates[0], default: 0] += 1
      if Set(fates).count > 1 { torn += 1 }
    }
    for fate in ["1", "2", "3", "garbage"] { #expect(first[fate, default: 0] > 10, "\(first)") }
    #expect(torn > 100)
    #expect(sizes.contains(2048) && sizes.contains(4096) && sizes.count > 10)
    #expect(machine.contents(of: "/a") == new, "drawing outcomes changes nothing")
  }

  @Test func namesSurviveIndependently() throws {
    let machine = SimulatedFileSystem(seed: 4)
    try machine.open("/old", .create).syncData()
    try machine.syncDirectory("/")
    try machine.remove("/old")
    try machine.open("/new", .create).syncData()
    try machine.makeDirectory("/d")
    _ = try machine.open("/d/inner", .create)
    var seen: Set<[String]> = []
    for seed in 0..<200 as Range<UInt64> { seen.insert(machine.crash(seed: seed).paths) }
    #expect(seen.contains(["/old"]) && seen.contains(["/new"]) && seen.contains([]))
    #expect(seen.contains(["/new", "/old"]) && seen.contains(["/d/inner", "/old"]))
    #expect(machine.crash(seed: 0, .nothing).paths == ["/old"])
    #expect(machine.crash(seed: 0, .everything).paths == ["/d/inner", "/new"])
    try machine.syncDirectory("/d")
    #expect(machine.crash(seed: 0, .nothing).paths == ["/old"])
    try machine.syncDirectory("/")
    #expect(machine.crash(seed: 0, .nothing).paths == ["/d/inner", "/new"])
  }

  @Test func aSyncedFileWithoutItsNameIsLost() throws {
    let machine = SimulatedFileSystem(seed: 5)
    let file = try machine.open("/a", .create)
    try file.write([1], at: 0)
    try file.syncData()
    #expect(machine.crash(seed: 0, .nothing).paths.isEmpty)
    try machine.link("/a", as: "/b")
    try machine.syncDirectory("/")
    let rebooted = machine.crash(seed: 0, .nothing)
    #expect(rebooted.contents(of: "/b") == [1])
    // Still one file.
    try rebooted.open("/a", .update).write([2], at: 0)
    #expect(rebooted.contents(of: "/b") == [2])
  }

  @Test func aRebootChangesTheBootAndKeepsTheInode() throws {
    let machine = SimulatedFileSystem(seed: 6)
    let file = try machine.open("/a", .create)
    try file.syncData()
    try machine.syncDirectory("/")
    #expect(try file.tryLock(0..<1, .exclusive))
    let rebooted = machine.crash(seed: 1)
    let again = try rebooted.open("/a", .update)
    #expect(try again.tryLock(0..<1, .exclusive))
    #expect(try again.status().inode == file.status().inode)
    #expect(try machine.bootIdentifier() != rebooted.bootIdentifier())
    #expect(try machine.bootIdentifier() == machine.anotherProcess().bootIdentifier())
  }

  @Test func aStoppedMachineDoesNothingMore() throws {
    let machine = SimulatedFileSystem(seed: 7)
    let file = try machine.open("/a", .create)
    try machine.syncDirectory("/")
    try file.write([1, 1], at: 0)
    try file.syncData()
    let map = try file.mapShared(bytes: 2, writable: true)
    let next = machine.operations + 2
    machine.crashAtOperation(next)
    try file.write([2], at: 0)
    #expect(!machine.isDown)
    #expect(code { try file.write([3], at: 0) } == .io)
    #expect(machine.isDown && machine.operations == next)
    UnsafeMutableRawBufferPointer(mutating: map.bytes)[1] = 9
    #expect(code { _ = try machine.status(of: "/a") } == .io)
    #expect(code { _ = try file.tryLock(0..<1, .shared) } == .io)
    #expect(machine.crash(seed: 0, .everything).contents(of: "/a") == [2, 1])
    #expect(machine.crash(seed: 0, .nothing).contents(of: "/a") == [1, 1])
    #expect(machine.log.last?.description == "#\(next) write /a")
  }

  @Test func storesThroughMapsAreVolatileUntilSynced() throws {
    let machine = SimulatedFileSystem(seed: 8)
    let file = try machine.open("/state", .create)
    try file.write([UInt8](repeating: 0, count: 4096), at: 0)
    try file.syncData()
    try machine.syncDirectory("/")
    let map = try file.mapShared(bytes: 4096, writable: true)
    let other = machine.anotherProcess()
    let reader = try other.open("/state", .read)
    let seen = try reader.mapShared(bytes: 4096, writable: false)
    let writable = UnsafeMutableRawBufferPointer(mutating: map.bytes)
    writable[0] = 7
    writable[3000] = 8
    #expect(seen.bytes[0] == 7)
    #expect(try reader.readExactly(1, at: 3000) == [8])
    try file.write([5], at: 10)
    #expect(seen.bytes[10] == 5)
    let lost = try #require(machine.crash(seed: 0, .nothing).contents(of: "/state"))
    #expect(lost.allSatisfy { $0 == 0 } && lost.count == 4096)
    let kept = try #require(machine.crash(seed: 0, .everything).contents(of: "/state"))
    #expect(kept[0] == 7 && kept[10] == 5 && kept[3000] == 8)
    var outcomes: Set<[Bool]> = []
    for seed in 0..<200 as Range<UInt64> {
      let content = try #require(machine.crash(seed: seed).contents(of: "/state"))
      outcomes.insert([content[0] == 7, content[3000] == 8])
      #expect(content[512..<2560].allSatisfy { $0 == 0 }, "an untouched sector changed")
    }
    #expect(outcomes.count == 4)
    try file.syncData()
    #expect(machine.crash(seed: 0, .nothing).contents(of: "/state") == kept)
    writable[1] = 1
    #expect(machine.crash(seed: 0, .nothing).contents(of: "/state") == kept)
    #expect(machine.crash(seed: 0, .everything).contents(of: "/state") != kept)
  }

  @Test func privateMapsStayAsTheyWere() throws {
    let machine = SimulatedFileSystem(seed: 9)
    let file = try machine.open("/a", .create)
    try file.write([1, 2, 3], at: 0)
    let map = try file.map(bytes: 3)
    try file.write([9, 9, 9, 9], at: 0)
    #expect(Array(map.bytes) == [1, 2, 3])
    let shared = try file.mapShared(bytes: 4, writable: true)
    let second = try file.map(bytes: 4)
    UnsafeMutableRawBufferPointer(mutating: shared.bytes)[0] = 5
    #expect(Array(second.bytes) == [9, 9, 9, 9])
    #expect(code { _ = try file.map(bytes: 5) } == .corrupt)
    #expect(code { _ = try machine.open("/a", .read).mapShared(bytes: 1, writable: true) } != nil)
  }
}

/// What the simulator promises, kept apart from how it keeps it.
private struct Model {
  struct Content {
    var live: [UInt8] = []
    var synced: [UInt8] = []
    /// Sectors written since the last sync.
    var touched: Set<Int> = []
  }
  let machine: SimulatedFileSystem
  var contents: [Content] = []
  var open: [any File] = []
  var live: [String: Int] = [:]
  var durable: [String: Int] = [:]
  var unsettled: Set<String> = []
  static let names = ["/a", "/b", "/c", "/d/e", "/d/f"]

  init(_ machine: SimulatedFileSystem) throws {
    self.machine = machine
    try machine.makeDirectory("/d")
    try machine.syncDirectory("/")
  }

  mutating func step(_ random: inout SeededRandom) throws {
    let name = Self.names[random.int(0...4)]
    guard let index = live[name] else {
      open.append(try machine.open(name, .create))
      live[name] = contents.count
      contents.append(Content())
      unsettled.insert(name)
      return
    }
    let file = open[index]
    switch random.int(0...9) {
    case 0...4:
      let offset = random.int(0...max(0, min(3000, contents[index].live.count + 300)))
      let count = random.int(1...1500)
      let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      try file.write(bytes, at: UInt64(offset))
      contents[index].extend(to: offset + count)
      contents[index].live.replaceSubrange(offset..<offset + count, with: bytes)
      contents[index].touched.formUnion(offset / 512...(offset + count - 1) / 512)
    case 5:
      let bytes = random.int(1...5000)
      try file.reserve(bytes: UInt64(bytes))
      contents[index].extend(to: bytes)
    case 6:
      try file.syncData()
      contents[index].synced = contents[index].live
      contents[index].touched = []
    case 7:
      try machine.remove(name)
      live[name] = nil
      unsettled.insert(name)
    case 8:
      let other = Self.names[random.int(0...4)]
      if live[other] != nil { return }
      try machine.link(name, as: other)
      live[other] = index
      unsettled.insert(other)
    default:
      let folder = name.hasPrefix("/d/") ? "/d" : "/"
      try machine.syncDirectory(folder)
      for name in Self.names where name.hasPrefix("/d/") == (folder == "/d") {
        durable[name] = live[name]
        unsettled.remove(name)
      }
    }
    #expect(machine.contents(of: name) == live[name].map { contents[$0].live })
  }

  func check(_ crash: UInt64, seed: UInt64) throws {
    let label: Comment = "seed \(seed), crash \(crash), after \(machine.operations)"
    let nothing = machine.crash(seed: crash, .nothing)
    #expect(nothing.paths == durable.keys.sorted(), label)
    for (name, index) in durable {
      #expect(nothing.contents(of: name) == contents[index].synced, label)
    }
    let everything = machine.crash(seed: crash, .everything)
    #expect(everything.paths == live.keys.sorted(), label)
    for (name, index) in live {
      #expect(everything.contents(of: name) == contents[index].live, label)
    }
    let some = machine.crash(seed: crash)
    let again = machine.crash(seed: crash)
    #expect(some.paths == again.paths, label)
    for name in Self.names {
      let found = some.contents(of: name)
      #expect(found == again.contents(of: name), label)
      if unsettled.contains(name) { continue }
      guard let index = live[name] else {
        #expect(found == nil, label)
        continue
      }
      let bytes = try #require(found, label)
      let content = contents[index]
      #expect((content.synced.count...content.live.count).contains(bytes.count), label)
      for sector in 0..<(bytes.count + 511) / 512 where !content.touched.contains(sector) {
        let range = sector * 512..<min(bytes.count, sector * 512 + 512)
        #expect(bytes[range] == content.live[range], label)
      }
    }
  }
}

extension Model.Content {
  mutating func extend(to count: Int) {
    if live.count < count { live += [UInt8](repeating: 0, count: count - live.count) }
  }
}
