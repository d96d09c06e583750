import Glibc
import Larder

/// The command line: a command, its places, and options with or without a number.
struct Arguments {
  var command = ""
  var places: [String] = []
  private var options: [String: String] = [:]

  /// Options that stand alone; every other takes the next word.
  private static let flags: Set = ["--fold", "--cold", "--as-known", "--drop-cache", "--new-keys"]

  init(_ words: [String]) throws(LarderError) {
    var rest = words.dropFirst()
    command = rest.popFirst() ?? ""
    while let word = rest.popFirst() {
      if Self.flags.contains(word) {
        options[word] = ""
      } else if word.hasPrefix("--") {
        guard let value = rest.popFirst() else {
          throw LarderError(.invalidArgument, "\(word) needs a value.")
        }
        options[word] = value
      } else {
        places.append(word)
      }
    }
  }

  func has(_ flag: String) -> Bool { options[flag] != nil }

  func number(_ name: String) -> Int? { options[name].flatMap { Int($0) } }

  func place(_ index: Int, _ what: String) throws(LarderError) -> String {
    guard index < places.count else {
      throw LarderError(.invalidArgument, "\(command) needs \(what).")
    }
    return places[index]
  }
}

/// Standard error as a text stream.
struct StandardError: TextOutputStream {
  mutating func write(_ string: String) {
    let bytes = Array(string.utf8)
    _ = Glibc.write(2, bytes, bytes.count)
  }
}

nonisolated(unsafe) var standardError = StandardError()

/// Seconds of a duration.
func seconds(_ duration: Duration) -> Double {
  let (whole, attoseconds) = duration.components
  return Double(whole) + Double(attoseconds) / 1e18
}

/// Prints a line at once: the reader waits for it.
func say(_ line: String) {
  print(line)
  fflush(nil)
}

/// The most memory this process has had, in bytes.
///
/// Not from `getrusage`, whose peak a process inherits from the one that started it.
func peakBytes() throws(LarderError) -> Int {
  let status = String(decoding: try bytes(of: "/proc/self/status"), as: UTF8.self)
  let line = status.split(separator: "\n").first {
    $0.hasPrefix("VmHWM:")
  }
  let digits = line?.filter { $0.isASCII && $0.isNumber } ?? ""
  return (Int(digits) ?? 0) * 1024
}
