import Foundation
import TestSupport
import Testing

/// Files that were cut, lengthened, flipped or swapped.
///
/// The command gives the right answer or says that the store is corrupt. It never crashes, never
/// answers something else, never changes a byte.
@Suite struct DamageTests {
  /// A way in which the bytes of a file go wrong.
  struct Damage {
    var name: String
    var bytes: Data
    /// Where a byte was flipped, if that is all.
    var place: Int?
  }

  private let shell: Shell
  private let store: URL
  private let whole: StoreFiles
  private let twin: StoreFiles
  private let answer: String

  init() throws {
    shell = try Shell()
    try shell.write("definitions.json", CommandTests.definitions)
    store = shell.directory.appendingPathComponent("s")
    for name in ["s", "twin"] {
      try shell.succeed("apply", name, "definitions.json")
      // As many as make a fold due, and one more.
      for part in 0..<9 {
        // The twin's rows are as many and as long, but others.
        let note = name == "s" ? "own" : "not"
        let rows = (0..<40).map { "\($0 * 7 % 23 + part),\($0 * 1_000_000),,\($0).5,\(note)\($0)" }
        try shell.write(
          "rows.csv", "id,t,known,rate,note\n" + rows.joined(separator: "\n") + "\n")
        try shell.succeed("import", name, "stats", "rows.csv", "--time-unit", "us")
      }
    }
    let spine = (0..<30).map { "\($0),1970-01-01T00:00:\($0 + 10)Z" }
    try shell.write(
      "spine.csv", "id,event_timestamp\n" + spine.joined(separator: "\n") + "\n")
    whole = try shell.files("s")
    twin = try shell.files("twin")
    answer = try shell.succeed("join", "s", "spine.csv", "--features", "stats:*").output
  }

  @Test(arguments: [StoreFiles.Kind.manifest, .state, .lock, .keyLog, .segment, .derived])
  func answersRightlyOrSaysWhatIsBroken(_ kind: StoreFiles.Kind) throws {
    let paths = whole.paths(kind)
    if kind != .derived { #expect(!paths.isEmpty) }
    var refusals = 0
    for path in paths.prefix(2) {
      for damage in damages(of: path, kind, in: whole, twin) {
        try whole.restore(to: store)
        try damage.bytes.write(to: store.appendingPathComponent(path))
        if try checkReading("\(path), \(damage.name)") { refusals += 1 }
        try checkWriting("\(path), \(damage.name)")
      }
    }
    // What the truth rests on does not go unnoticed; what can be made again may.
    if [.manifest, .keyLog, .segment].contains(kind) { #expect(refusals > 0) }
  }

  /// Rows carry checksums; of the index, what is wrong as a whole is noticed and made again.
  ///
  /// It says how far the log went, so that a log that ends early is not taken for what a crash left.
  @Test(arguments: [StoreFiles.Kind.onlineRows, .onlineIndex])
  func servesRightlyOrSaysWhatIsBroken(_ kind: StoreFiles.Kind) throws {
    for name in ["s", "twin"] { try shell.succeed("materialize", name) }
    let whole = try shell.files("s")
    let path = try #require(whole.paths(kind).first)
    let twin = try shell.files("twin")
    let keys = [0, 11, 22]
    let answers = try keys.map { try get($0).output }
    for damage in damages(of: path, kind, in: whole, twin) {
      if kind == .onlineIndex, damage.place != nil { continue }
      try whole.restore(to: store)
      try damage.bytes.write(to: store.appendingPathComponent(path))
      for (key, answer) in zip(keys, answers) {
        let found = try get(key)
        #expect(
          found.exitCode == 5 || found.exitCode == 0 && found.output == answer,
          "\(path), \(damage.name), key \(key): \(found)")
      }
      try shell.write("one.csv", "id,t,known,rate,note\n11,1970-01-02,,1,x\n")
      let put = try shell.run(["put", "s", "stats", "one.csv"])
      #expect([0, 5].contains(put.exitCode), "\(path), \(damage.name): \(put)")
      if put.exitCode == 0 {
        let after = try get(11)
        #expect(
          after.exitCode == 5 || after.output.contains("1970-01-02"),
          "\(path), \(damage.name), after writing: \(after)")
      }
    }
  }

  private func get(_ key: Int) throws -> Shell.Result {
    try shell.run(["get", "s", "stats", "id=\(key)", "--at", "1970-01-02T00:00:01Z"])
  }

  @Test(arguments: [StoreFiles.Kind.manifest, .keyLog, .segment])
  func missesNoFile(_ kind: StoreFiles.Kind) throws {
    let path = try #require(whole.paths(kind).first)
    try FileManager.default.removeItem(at: store.appendingPathComponent(path))
    #expect(try checkReading("\(path) is gone"))
    try checkWriting("\(path) is gone")
  }

  private func damages(
    of path: String, _ kind: StoreFiles.Kind, in whole: StoreFiles, _ twin: StoreFiles
  ) -> [Damage] {
    guard let bytes = whole.contents[path] else { return [] }
    var damages = [
      Damage(name: "empty", bytes: Data()),
      Damage(name: "one byte", bytes: bytes.prefix(1)),
      Damage(name: "half", bytes: bytes.prefix(bytes.count / 2)),
      Damage(name: "a byte short", bytes: bytes.dropLast()),
      Damage(name: "a byte long", bytes: bytes + [0xFF]),
      Damage(name: "a page long", bytes: bytes + Data(repeating: 0x5A, count: 4_096)),
      Damage(name: "all zero", bytes: Data(count: bytes.count)),
    ]
    if bytes.isEmpty { return damages }
    // Within what was written: beyond lies room that is zero and means nothing.
    let written = 1 + (bytes.lastIndex { $0 != 0 } ?? 0)
    var random = SeededRandom(seed: 0x5EED)
    for place in [0, 9, written / 2, written - 1]
      + (0..<6).map({ _ in
        random.int(0...written - 1)
      })
    {
      var flipped = bytes
      flipped[place] ^= 1 << UInt8(random.int(0...7))
      damages.append(Damage(name: "byte \(place) flipped", bytes: flipped, place: place))
    }
    for other in whole.paths(kind).filter({ $0 != path }).prefix(1) {
      damages.append(
        Damage(name: "swapped for \(other)", bytes: whole.contents[other] ?? Data()))
    }
    for other in twin.paths(kind).prefix(1) {
      damages.append(
        Damage(name: "swapped for another store's", bytes: twin.contents[other] ?? Data()))
    }
    return damages
  }

  /// Asks and verifies; returns whether the damage was noticed.
  private func checkReading(_ name: String) throws -> Bool {
    let before = try StoreFiles(store)
    let join = try shell.run(["join", "s", "spine.csv", "--features", "stats:*"])
    if join.exitCode == 0 {
      #expect(join.output == answer, "\(name)")
    } else {
      #expect(join.exitCode == 5, "\(name): \(join.exitCode) \(join.notes)")
      #expect(join.notes.contains("error: s"), "\(name): \(join.notes)")
    }
    let verify = try shell.run(["verify", "s"])
    #expect([0, 1, 5].contains(verify.exitCode), "\(name): \(verify.exitCode) \(verify.notes)")
    if join.exitCode != 0 { #expect(verify.exitCode != 0, "\(name): verify found nothing") }
    #expect(try StoreFiles(store) == before, "\(name): reading changed the store")
    return join.exitCode != 0 || verify.exitCode != 0
  }

  /// Imports a row: it is refused and nothing changes, or it is there beside the others.
  private func checkWriting(_ name: String) throws {
    let before = try StoreFiles(store)
    try shell.write("one.csv", "id,t,known,rate,note\n99,1970-01-01,,1,x\n")
    let write = try shell.run(["import", "s", "stats", "one.csv"])
    if write.exitCode == 0 {
      let join = try shell.run(["join", "s", "spine.csv", "--features", "stats:*"])
      #expect(join.exitCode == 5 || join.output == answer, "\(name), after writing")
    } else {
      #expect(write.exitCode == 5, "\(name): \(write.exitCode) \(write.notes)")
      #expect(try StoreFiles(store).withoutAdvice == before.withoutAdvice, "\(name)")
    }
  }
}
