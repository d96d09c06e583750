import Foundation
import Testing

/// A clock that was wrong for a while: it is told, and earlier snapshots go again once it is right.
@Suite struct ClockTests {
  /// The C library's clock, so many seconds off.
  private static let shim = """
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <stdlib.h>
    #include <time.h>
    int clock_gettime(clockid_t clock, struct timespec *time) {
      static int (*real)(clockid_t, struct timespec *);
      if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
      int result = real(clock, time);
      const char *off = getenv("CLOCK_OFF");
      if (clock == CLOCK_REALTIME && off) time->tv_sec += atoll(off);
      return result;
    }
    """

  @Test func commitsOf2099() throws {
    let shell = try Shell()
    try shell.write("clock.c", Self.shim)
    try shell.write("d.json", CommandTests.definitions)
    try shell.write(
      "rows.csv", "id,t,known,rate,note\n1,1970-01-01,,0.5,a\n2,1970-01-01T00:00:00.0001Z,,0.5,b\n")
    let made = try shell.bash("cc -shared -fPIC -o clock.so clock.c -ldl")
    try #require(made.exitCode == 0, "\(made.notes)")
    func run(_ line: String, off: Int = 0) throws -> Shell.Result {
      let result = try shell.bash(
        "env CLOCK_OFF=\(off) LD_PRELOAD=$PWD/clock.so '\(Shell.command.path)' \(line)")
      #expect(result.exitCode == 0, "\(line): \(result.notes)")
      return result
    }
    let decades = 73 * 365 * 86_400
    try shell.succeed("apply", "s", "d.json")
    for _ in 0..<3 { #expect(try !run("import s stats rows.csv").notes.contains("warning")) }
    _ = try run("materialize s")
    // Nobody can tell while it is wrong; a little off is not told.
    #expect(try !run("import s stats rows.csv", off: decades).notes.contains("warning"))
    for line in [
      "info s", "import s stats rows.csv", "compact s --partition all", "get s stats id=1",
    ] {
      let notes = try run(line).notes
      #expect(
        notes.contains("warning") && notes.contains("ahead of the clock"), "\(line): \(notes)")
    }
    // An hour and a bit later what was overtaken is gone, though commits were made in "2099".
    _ = try run("import s stats rows.csv", off: 3_700)
    _ = try run("import s stats rows.csv", off: 7_500)
    let kept = try shell.succeed("snapshots", "s", "--json").output
    let commits = kept.components(separatedBy: "\"commit\"").count - 1
    #expect((1...2).contains(commits), "\(commits) of \(kept)")
    try shell.succeed("verify", "s", "--deep")
  }

  @Test func aLittleAheadIsNotTold() throws {
    let shell = try Shell()
    try shell.write("clock.c", Self.shim)
    try shell.write("d.json", CommandTests.definitions)
    try #require(try shell.bash("cc -shared -fPIC -o clock.so clock.c -ldl").exitCode == 0)
    let ahead = try shell.bash(
      "env CLOCK_OFF=80000 LD_PRELOAD=$PWD/clock.so '\(Shell.command.path)' apply s d.json")
    #expect(ahead.exitCode == 0)
    #expect(try !shell.succeed("info", "s").notes.contains("warning"))
  }
}
