import LarderColumns
import LarderFiles
import TestSupport
import Testing

/// The simulated files against the machine's: the same calls must give the same answers.
@Suite struct FileSystemContractTests {
  @Test(arguments: 0..<40 as Range<UInt64>)
  func bothAnswerAlike(seed: UInt64) throws {
    let directory = try TemporaryDirectory()
    let simulated = SimulatedFileSystem(seed: seed)
    var real = Run(files: POSIXFileSystem(), root: directory.path, seed: seed)
    var toy = Run(files: simulated, root: "", seed: seed)
    for step in 0..<150 {
      let expected = try real.step()
      let found = try toy.step()
      #expect(found == expected, "seed \(seed), step \(step)")
      if found != expected { return }
    }
  }
}

/// A random run of calls, told as text.
private struct Run {
  let files: any FileSystem
  let root: String
  var random: SeededRandom
  var open: [any File] = []
  var maps: [MappedFile] = []

  init(files: any FileSystem, root: String, seed: UInt64) {
    self.files = files
    self.root = root
    random = SeededRandom(seed: seed)
  }

  mutating func path() -> String {
    let names = ["/a", "/b", "/d", "/d/a", "/d/b", "/d/e", "/d/e/a", "/a/b", "/none/a"]
    return root + names[random.int(0...names.count - 1)]
  }

  /// Makes one call and tells its outcome.
  mutating func step() throws -> String {
    do { return try call() } catch let error as LarderError { return "\(error.code)" }
  }

  private mutating func call() throws -> String {
    switch random.int(0...19) {
    case 0...3:
      let modes = [OpenMode.read, .update, .create, .createIfMissing]
      let mode = modes[random.int(0...3)]
      open.append(try files.open(path(), mode))
      if open.count > 5 { open.removeFirst() }
      return "opened"
    case 4: return describe(try files.status(of: path()))
    case 5: return try files.names(in: path()).sorted().description
    case 6, 7:
      try files.makeDirectory(path())
      return "made"
    case 8:
      try files.syncDirectory(path())
      return "synced"
    case 9: return try files.remove(path()).description
    case 10: return try files.removeDirectory(path()).description
    case 11:
      let (from, to) = (path(), path())
      try files.link(from, as: to)
      return "linked"
    default: return try callFile()
    }
  }

  private mutating func callFile() throws -> String {
    guard !open.isEmpty else { return "none open" }
    let file = open[random.int(0...open.count - 1)]
    let offset = random.next() % 3000
    let count = random.int(0...2000)
    let range = offset % 20..<offset % 20 + UInt64(count % 10)
    switch random.int(0...9) {
    case 0, 1:
      try file.write([UInt8](repeating: UInt8(truncatingIfNeeded: count), count: count), at: offset)
      return "written"
    case 2:
      var bytes = [UInt8](repeating: 0, count: count)
      let got = try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: offset) }
      return "\(bytes.prefix(got))"
    case 3: return describe(try file.status())
    case 4:
      try file.reserve(bytes: offset)
      return "reserved"
    case 5:
      maps.append(try file.map(bytes: count))
      return "\(maps.last.map { Array($0.bytes) } ?? [])"
    case 6:
      let map = try file.mapShared(bytes: count, writable: random.chance(0.5))
      maps.append(map)
      return "\(Array(map.bytes))"
    case 7: return try file.tryLock(range, random.chance(0.5) ? .shared : .exclusive).description
    case 8:
      try file.unlock(range)
      return "unlocked"
    default: return try (file.conflictingLock(in: range) != nil).description
    }
  }

  private func describe(_ status: FileStatus?) -> String {
    guard let status else { return "nothing" }
    return status.kind == .file ? "file of \(status.bytes)" : "\(status.kind)"
  }
}
