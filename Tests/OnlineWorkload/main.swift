// Another process for the tests of the online table, and its benchmark:
//
//   OnlineWorkload write DIR DURABILITY       writes blocks for ever, until it is killed
//   OnlineWorkload read DIR SECONDS           reads them and exits with 1 at the first wrong answer
//   OnlineWorkload fill DIR BATCHES           writes so many blocks
//   OnlineWorkload full DIR                   writes until the disk is full, which must be an error
//   OnlineWorkload check DIR                  reads everything; exits with 1 at a wrong answer
//   OnlineWorkload bench DIR KEYS             measures; prints a JSON line per figure
//   OnlineWorkload upserts DIR KEYS           writes to what `bench` left until it is killed
//   OnlineWorkload reads DIR KEYS             measures reads of what `bench` left
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
  case "fill" where arguments.count == 4:
    try BlockFiller(directory: arguments[2]).fill(batches: Int64(arguments[3]) ?? 1)
  case "full" where arguments.count == 3:
    try BlockFiller(directory: arguments[2]).fillTheDisk()
  case "check" where arguments.count == 3:
    try BlockFiller(directory: arguments[2]).check()
  case "upserts" where arguments.count == 4:
    try OnlineBenchmark(directory: arguments[2], keys: Int(arguments[3]) ?? 1_000_000)
      .writeForEver()
  case "reads" where arguments.count == 4:
    try OnlineBenchmark(directory: arguments[2], keys: Int(arguments[3]) ?? 1_000_000).runReads()
  default:
    print(
      "usage: OnlineWorkload write|read|fill|full|check|bench|reads DIR [DURABILITY|SECONDS|BATCHES|KEYS]"
    )
    exit(2)
  }
} catch {
  print("\(error)")
  exit(1)
}
