import Glibc
import LarderColumns
import LarderConformance
import LarderContract
import LarderFiles
import LarderOnline

/// Small log files, so that a few rows fill several.
func smallOptions(
  durability: OnlineDurability = .batch, compactAt: Double? = nil
) -> OnlineOptions {
  var options = OnlineOptions(
    durability: durability, compactAt: compactAt, lockTimeout: .milliseconds(200))
  options.firstLogFileBytes = 1 << 16
  options.largestLogFileBytes = 1 << 17
  // Simulated files must see the same operations in each run.
  options.preparesAhead = false
  return options
}

/// The store's identifier in tests.
let storeIdentifier = FileIdentifier(high: 7, low: 9)

/// Opens a store whose every view has the table 1.
func openStore(
  _ host: Host, _ directory: String, clock: ConformanceClock, locks: LockFile? = nil,
  isReadOnly: Bool = false, options: OnlineOptions = smallOptions()
) -> MappedOnlineStore {
  var host = host
  host.now = { clock.now.ticks }
  return MappedOnlineStore(
    host: host, directory: directory, store: storeIdentifier, locks: locks,
    isReadOnly: isReadOnly, options: options
  ) { view in view.name == "other" ? 2 : 1 }
}

/// A directory of the machine that goes with this object.
final class TemporaryDirectory {
  let path: String

  init() throws {
    var template = Array("/tmp/larder-online-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw POSIXFailure(errno: errno) }
    path = String(cString: made)
  }

  deinit {
    let files = POSIXFileSystem()
    func clear(_ directory: String) throws {
      for name in try files.names(in: directory) {
        let path = "\(directory)/\(name)"
        if try files.status(of: path)?.kind == .directory {
          try clear(path)
        } else {
          try files.remove(path)
        }
      }
      try files.removeDirectory(directory)
    }
    // A directory that stays behind is no failure of the test.
    do { try clear(path) } catch {}
  }
}

struct POSIXFailure: Error { var errno: Int32 }
