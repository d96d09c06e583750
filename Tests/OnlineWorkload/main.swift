// Another process for the tests of the online table, and its benchmark:
//
//   OnlineWorkload write DIR DURABILITY       writes blocks for ever, until it is killed
//   OnlineWorkload read DIR SECONDS           reads them and exits with 1 at the first wrong answer
//   OnlineWorkload bench DIR KEYS             measures; prints one line per figure
import Glibc

let arguments = CommandLine.arguments
do {
  switch arguments.dropFirst().first {
  case "write" where arguments.count == 4:
    try BlockWriter(directory: arguments[2], durability: arguments[3]).run()
  case "read" where arguments.count == 4:
    try BlockReader(directory: arguments[2]).run(seconds: Double(arguments[3]) ?? 1)
  case "bench" where arguments.count == 4:
    try OnlineBenchmark(directory: arguments[2], keys: Int(arguments[3]) ?? 1_000_000).run()
  default:
    print("usage: OnlineWorkload write|read|bench DIR DURABILITY|SECONDS|KEYS")
    exit(2)
  }
} catch {
  print("\(error)")
  exit(1)
}
