import Glibc
import Larder

// Larder's side of the benchmarks, driven by Benchmarks/harness:
//   larder-bench load STORE DIRECTORY [--slices N] [--overlaps N] [--fold] [--cold] [--threads N]
//   larder-bench join STORE DIRECTORY [--threads N] [--as-known] [--drop-cache]
//   larder-bench columns STORE FILE [--cold] [--rounds N] [--threads N]
//   larder-bench commits STORE [--new-keys]
//   larder-bench online STORE KEYS          (also online-reads; online-upserts, until it is killed)
//   larder-bench counted-writes STORE KEYS
//   larder-bench counted-reads STORE KEYS
// Each prints JSON lines.

do {
  let arguments = try Arguments(CommandLine.arguments)
  switch arguments.command {
  case "load": try load(arguments)
  case "join": try answerQueries(arguments)
  case "columns": try weighColumns(arguments)
  case "commits": try timeCommits(arguments)
  case "online", "online-reads", "online-upserts": try measureOnline(arguments)
  case "counted-writes", "counted-reads": try runCounted(arguments)
  default: throw LarderError(.invalidArgument, "There is no command \"\(arguments.command)\".")
  }
} catch {
  print("\(error)", to: &standardError)
  exit(1)
}
