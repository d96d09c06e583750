import Glibc
import Larder

// larder-stress [SECONDS]: two appenders, a folder and four readers, each a process of its own, on
// one store; 0 wrong answers and 0 missing files, or it fails.
//
// The driver starts itself again for each role: larder-stress ROLE NUMBER STORE LEDGER SECONDS.

let arguments = CommandLine.arguments
if arguments.count == 6 {
  do {
    let number = Int(arguments[2]) ?? 0
    let end = now() + (Double(arguments[5]) ?? 30)
    let ledger = try Ledger(path: arguments[4], creating: false)
    var options = StoreOptions()
    options.fold = .off
    options.keepSnapshots = .zero
    let access: StoreAccess = arguments[1] == "reader" ? .readOnly : .readWrite
    let store = try FeatureStore(at: arguments[3], access: access, options: options)
    switch arguments[1] {
    case "appender": try runAppender(store, number, ledger, until: end)
    case "folder": try runFolder(store, until: end)
    default: try runReader(store, number, appenders: 2, ledger, until: end)
    }
    exit(0)
  } catch {
    print("\(arguments[1]) \(arguments[2]) failed: \(error)")
    exit(1)
  }
}
exit(try runDriver(seconds: arguments.count > 1 ? Double(arguments[1]) ?? 30 : 30))
