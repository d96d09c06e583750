import LarderColumns
import LarderConformance
import LarderContract
import LarderFiles
import LarderOnline
import Testing

@Suite struct MappedOnlineStoreTests {
  @Test func itConformsOnSimulatedFiles() throws {
    try checkOnlineStore(randomCases: 30) { clock in
      openStore(SimulatedFileSystem(seed: 1).host(), "/online", clock: clock)
    }
  }

  @Test func itConformsOnFiles() throws {
    var directories: [TemporaryDirectory] = []
    try checkOnlineStore(randomCases: 30, seed: 1_000) { clock in
      let directory = try TemporaryDirectory()
      directories.append(directory)
      return openStore(.system(), directory.path + "/online", clock: clock)
    }
  }
}
