import Glibc
import Larder

/// Measures an online table: loading, reading, writing, opening.
func measureOnline(_ arguments: Arguments) throws {
  let table = try OnlineTable(arguments)
  switch arguments.command {
  case "online-upserts": try table.writeForEver()
  case "online-reads": try table.measureReads()
  default: try table.measureAll()
  }
}

extension OnlineTable {
  func measureAll() throws {
    try make()
    try load()
    line("bytes per row", Double(try bytes()) / Double(keys), "B")
    try measureOpen("open after close")
    try measureReads()
    try upserts(.process, event: 2_000, rounds: 300, "upserts")
    try upserts(.batch, event: 5_000, rounds: 50, "durable upserts")
    try besideAWriter()
    try measureOpen("open after a kill")
    try measureLostIndex()
  }

  /// Only the reads, of a table that is there.
  func measureReads() throws {
    let store = try openForReading()
    try points(store, "")
    try namedPoints(store)
    try batches(store)
  }

  // MARK: Writing

  private func load() throws {
    let store = try open(.process)
    let online = try store.online(Self.name)
    let size = 10_000
    var times: [Double] = []
    var processor = 0.0
    for first in stride(from: 0, to: keys, by: size) {
      let rows = try batch(Array(first..<min(keys, first + size)), event: 1_000)
      let start = clock.now
      let began = processorTime()
      try online.write(rows)
      processor += processorTime() - began
      times.append(seconds(clock.now - start))
    }
    let spent = times.reduce(0, +)
    let start = clock.now
    try online.sync()
    let synced = spent + seconds(clock.now - start)
    line("load", Double(keys) / synced / 1e6, "M rows/s")
    line("load, before the sync", Double(keys) / spent / 1e6, "M rows/s")
    line("load, processor", Double(keys) / processor / 1e6, "M rows/s")
    times.sort()
    line("load, p99 of a batch of 10,000", times[times.count * 99 / 100] * 1000, "ms")
    line("load, worst batch of 10,000", (times.last ?? 0) * 1000, "ms")
    try store.close()
  }

  private func upserts(
    _ durability: OnlineDurability, event: Int64, rounds: Int, _ name: String
  ) throws {
    let store = try open(durability)
    let online = try store.online(Self.name)
    var word: UInt64 = 99
    var times: [Double] = []
    var processor = 0.0
    for round in 0..<rounds {
      let rows = try batch((0..<1_000).map { _ in next(&word) }, event: event + Int64(round))
      let start = clock.now
      let began = processorTime()
      try online.write(rows)
      processor += processorTime() - began
      times.append(seconds(clock.now - start))
    }
    line(name, Double(rounds) * 1_000 / times.reduce(0, +) / 1e6, "M rows/s")
    line("\(name), processor", Double(rounds) * 1_000 / processor / 1e6, "M rows/s")
    times.sort()
    line("\(name), p50 of a batch", times[times.count / 2] * 1000, "ms")
    line("\(name), worst batch", (times.last ?? 0) * 1000, "ms")
    try store.close()
  }

  /// Upserts forever, until it is killed; a line on standard output says that it began.
  func writeForEver() throws {
    let store = try open(.process)
    let online = try store.online(Self.name)
    var word: UInt64 = 77
    var event: Int64 = 10_000
    while true {
      try online.write(try batch((0..<1_000).map { _ in next(&word) }, event: event))
      if event == 10_000 { say("writing") }
      event += 1
    }
  }

  private func besideAWriter() throws {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw LarderError(.io, "There is no pipe.") }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    let arguments: [String] = ["/proc/self/exe", "online-upserts", directory, "\(keys)"]
    var words = arguments.map { strdup($0) }
    words.append(nil)
    var child: pid_t = 0
    let status = posix_spawn(&child, "/proc/self/exe", &actions, nil, words, environ)
    guard status == 0 else { throw LarderError(.io, "There is no process.") }
    var byte: UInt8 = 0
    guard Glibc.read(ends[0], &byte, 1) == 1 else { throw LarderError(.io, "No writer began.") }
    try points(try openForReading(), " beside a writer")
    kill(child, SIGKILL)
    waitpid(child, nil, 0)
    posix_spawn_file_actions_destroy(&actions)
    for word in words { free(word) }
    for end in ends { Glibc.close(end) }
  }

  // MARK: Opening

  private func measureOpen(_ name: String) throws {
    let keys = try RecordBatch(["customer_id": .int64([key(1)])])
    let start = clock.now
    let rows = try openForReading().online(Self.name).read(keys)
    line(name, seconds(clock.now - start) * 1000, "ms")
    guard rows.statuses == [.present] else { throw LarderError(.corrupt, "A row is missing.") }
  }

  private func measureLostIndex() throws {
    for name in try names() where name.hasSuffix(".index") { unlink(folder + "/" + name) }
    let store = try open(.process)
    let rows = try batch([0], event: 1)
    let start = clock.now
    try store.online(Self.name).write(rows)
    line("open with a lost index, index rebuilt", seconds(clock.now - start) * 1000, "ms")
  }

  // MARK: Files

  private func names() throws -> [String] {
    guard let stream = opendir(folder) else {
      throw LarderError(.io, "The table's folder cannot be read.", file: folder)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
        name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      names.append(name)
    }
    return names
  }

  private func bytes() throws -> Int {
    var total = 0
    for name in try names() where !name.hasPrefix(".") {
      var status = stat()
      if stat(folder + "/" + name, &status) == 0 { total += Int(status.st_blocks) * 512 }
    }
    return total
  }
}
