import Foundation
import Glibc
import LarderFiles
import Testing

/// Places where a store cannot be read or written: a full disk, no permission, a held lock.
@Suite struct StorePlaceTests {
  /// A store with one small commit, and a file of rows that needs far more room than a megabyte.
  private func shell(at store: String = "s") throws -> Shell {
    let shell = try Shell()
    try shell.write("definitions.json", CommandTests.definitions)
    try shell.write("rows.csv", "id,t,known,rate,note\n1,1970-01-01,,0.5,a\n")
    var random = SystemRandomNumberGenerator()
    let rows = (0..<40_000).map {
      "\($0),\($0),,\(Double.random(in: 0..<1, using: &random)),n\($0)"
    }
    try shell.write("large.csv", "id,t,known,rate,note\n" + rows.joined(separator: "\n") + "\n")
    return shell
  }

  @Test func refusesAFileThatGrowsTooLarge() throws {
    let shell = try shell()
    try shell.succeed("apply", "s", "definitions.json")
    try shell.succeed("import", "s", "stats", "rows.csv")
    let before = try shell.succeed("export", "s", "stats").output
    // Without the signal the write fails, as it does where a quota is used up.
    let refused = try shell.bash(
      "trap '' XFSZ; ulimit -f 256; larder import s stats large.csv --time-unit us")
    #expect(refused.exitCode == 7, "\(refused.notes)")
    #expect(refused.notes.contains("error: s/"), "\(refused.notes)")
    #expect(try shell.succeed("export", "s", "stats").output == before)
    #expect(try shell.succeed("verify", "s").exitCode == 0)
    try shell.succeed("import", "s", "stats", "large.csv", "--time-unit", "us")
  }

  @Test func refusesAFullDisk() throws {
    let shell = try shell()
    let disk = shell.directory.appendingPathComponent("disk")
    try FileManager.default.createDirectory(at: disk, withIntermediateDirectories: true)
    let mounted = try shell.bash("mount -t tmpfs -o size=1m larder-test disk")
    guard mounted.exitCode == 0 else {
      print("SKIPPED: a full disk needs the right to mount: \(mounted.notes)")
      return
    }
    defer {
      do { _ = try shell.bash("umount disk") } catch { print("the disk stays mounted: \(error)") }
    }
    try shell.succeed("apply", "disk/s", "definitions.json")
    try shell.succeed("import", "disk/s", "stats", "rows.csv")
    let before = try shell.succeed("export", "disk/s", "stats").output
    try shell.refuse(
      "import", "disk/s", "stats", "large.csv", "--time-unit", "us", code: 8,
      saying: ["disk/s/", "No space left"])
    #expect(try shell.succeed("export", "disk/s", "stats").output == before)
    #expect(try shell.succeed("verify", "disk/s").exitCode == 0)
    // To the last byte: reading still works, and so does what needs no new room.
    _ = try shell.bash("head -c 2000000 /dev/zero > disk/filler")
    #expect(try shell.succeed("export", "disk/s", "stats").output == before)
    try shell.refuse(
      "import", "disk/s", "stats", "rows.csv", code: 8, saying: ["disk/s/", "No space left"])
    try shell.refuse(
      "apply", "disk/other", "definitions.json", code: 8, saying: ["disk/other/", "No space left"])
    try shell.succeed("drop", "disk/s", "stats", "--yes")
    _ = try shell.bash("rm disk/filler")
    try shell.succeed("apply", "disk/s", "definitions.json")
    try shell.succeed("import", "disk/s", "stats", "rows.csv")
  }

  @Test func refusesWhatItMayNotRead() throws {
    let shell = try shell()
    try shell.succeed("apply", "s", "definitions.json")
    // For root no permission counts; it becomes somebody else.
    let become = geteuid() == 0 ? "setpriv --reuid=65534 --regid=65534 --clear-groups" : "env"
    _ = try shell.bash("chmod 755 . && chmod 700 s")
    if geteuid() != 0 { _ = try shell.bash("chmod 000 s") }
    defer { chmod(shell.directory.appendingPathComponent("s").path, 0o700) }
    let version = try shell.bash("\(become) '\(Shell.command.path)' --version")
    guard version.exitCode == 0 else {
      print("SKIPPED: another user cannot run the command: \(version.notes)")
      return
    }
    for arguments in ["views s", "join s - --features stats:rate", "import s stats rows.csv"] {
      let refused = try shell.bash("\(become) '\(Shell.command.path)' \(arguments) < rows.csv")
      #expect(refused.exitCode == 8, "\(arguments): \(refused.notes)")
      #expect(refused.notes.contains("error: s"), "\(arguments): \(refused.notes)")
      #expect(refused.notes.contains("ermission"), "\(arguments): \(refused.notes)")
    }
    // Who may read and not write is served, and changes nothing.
    guard geteuid() == 0 else { return }
    _ = try shell.bash("chmod -R go+rX s")
    let before = try shell.files("s")
    let read = try shell.bash("\(become) '\(Shell.command.path)' export s stats")
    #expect(read.exitCode == 0, "\(read.notes)")
    let write = try shell.bash("\(become) '\(Shell.command.path)' import s stats rows.csv")
    #expect(write.exitCode == 8, "\(write.notes)")
    #expect(try shell.files("s") == before)
  }

  @Test(arguments: [StoreLock.append, .commit])
  func namesWhoHoldsTheLock(_ lock: StoreLock) throws {
    let shell = try shell()
    try shell.succeed("apply", "s", "definitions.json")
    try shell.succeed("import", "s", "stats", "rows.csv")
    let before = try shell.files("s").withoutAdvice
    let locks = try LockFile(
      in: shell.directory.appendingPathComponent("s").path, host: .system(), mode: .update)
    let held = try locks.acquire(lock, timeout: .seconds(5))
    try shell.refuse(
      "import", "s", "stats", "rows.csv", "--lock-timeout", "100ms", code: 6,
      saying: ["s/LOCK", "Waited 0.1 seconds", "process \(getpid()) ("])
    #expect(try shell.files("s").withoutAdvice == before)
    // Readers do not ask for locks of writers.
    try shell.succeed("export", "s", "stats")
    held.release()
    try shell.succeed("import", "s", "stats", "rows.csv", "--lock-timeout", "100ms")
  }
}
