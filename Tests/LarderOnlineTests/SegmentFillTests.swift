import Dispatch
import Glibc
import LarderColumns
import LarderFiles
import TestSupport
import Testing

@testable import LarderOnline

/// Zeros that are written ahead of rows never meet them.
@Suite struct LogFileFillTests {
  @Test func rowsStayWhatTheyAreWhileTheRestIsFilled() throws {
    let directory = try TemporaryDirectory()
    let files = POSIXFileSystem()
    let bytes = 12 << 20
    let queue = DispatchQueue(label: "fill")
    for seed in UInt64(1)...6 {
      var random = SeededRandom(seed: seed)
      let path = "\(directory.path)/\(seed)"
      let file = try files.open(path, .create)
      try file.reserve(bytes: UInt64(bytes))
      let fill = LogFileFill(file, bytes: bytes, from: random.chance(0.5) ? 0 : 2 << 20)
      queue.async { fill.run() }
      var end = 0
      let stop = random.chance(0.3) ? random.int(0...bytes) : bytes
      while end < stop {
        // Now and then the rows are slower than the zeros, else faster.
        if random.chance(0.05) { usleep(UInt32(random.int(0...3_000))) }
        let next = min(stop, end + random.int(1...400_000))
        fill.pass(to: next)
        try file.write([UInt8](repeating: UInt8(1 + end % 250), count: next - end), at: UInt64(end))
        end = next
      }
      fill.stop()
      queue.sync {}
      let found = try file.readExactly(bytes, at: 0)
      #expect(found[..<stop].allSatisfy { $0 != 0 }, "seed \(seed)")
      #expect(found[stop...].allSatisfy { $0 == 0 }, "seed \(seed)")
    }
  }

  @Test func nothingIsFilledAfterTheEnd() throws {
    let directory = try TemporaryDirectory()
    let file = try POSIXFileSystem().open("\(directory.path)/file", .create)
    let bytes = 6 << 20
    try file.write([UInt8](repeating: 3, count: bytes), at: 0)
    let fill = LogFileFill(file, bytes: bytes, from: 0)
    fill.pass(to: 5)
    fill.run()
    // The piece that was passed is left alone, and the others are zeros.
    let found = try file.readExactly(bytes, at: 0)
    #expect(found[..<(2 << 20)].allSatisfy { $0 == 3 })
    #expect(found[(2 << 20)...].allSatisfy { $0 == 0 })
    try file.write([UInt8](repeating: 4, count: bytes), at: 0)
    fill.run()
    #expect(try file.readExactly(bytes, at: 0).allSatisfy { $0 == 4 })
    let stopped = LogFileFill(file, bytes: bytes, from: 0)
    stopped.stop()
    stopped.run()
    #expect(try file.readExactly(bytes, at: 0).allSatisfy { $0 == 4 })
  }
}
