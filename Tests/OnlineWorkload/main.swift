// Another process for the tests of the online table:
//
//   OnlineWorkload write DIR DURABILITY       writes blocks forever, until it is killed
//   OnlineWorkload read DIR SECONDS           reads them and exits with 1 at the first wrong answer
//   OnlineWorkload fill DIR BATCHES           writes so many blocks
//   OnlineWorkload full DIR                   writes until the disk is full, which must be an error
//   OnlineWorkload check DIR                  reads everything; exits with 1 at a wrong answer
import Glibc

let arguments = CommandLine.arguments
do {
  switch arguments.dropFirst().first {
  case "write" where arguments.count == 4:
    try BlockWriter(directory: arguments[2], durability: arguments[3]).run()
  case "read" where arguments.count == 4:
    try BlockReader(directory: arguments[2]).run(seconds: Double(arguments[3]) ?? 1)
  case "fill" where arguments.count == 4:
    try BlockFiller(directory: arguments[2]).fill(batches: Int64(arguments[3]) ?? 1)
  case "full" where arguments.count == 3:
    try BlockFiller(directory: arguments[2]).fillTheDisk()
  case "check" where arguments.count == 3:
    try BlockFiller(directory: arguments[2]).check()
  default:
    print("usage: OnlineWorkload write|read|fill|full|check DIR [DURABILITY|SECONDS|BATCHES]")
    exit(2)
  }
} catch {
  print("\(error)")
  exit(1)
}
