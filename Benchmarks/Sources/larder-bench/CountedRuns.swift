import Larder

/// An online table written or read by one thread, with nothing in it that a clock decides: the work
/// whose instructions are counted.
func runCounted(_ arguments: Arguments) throws {
  let table = try OnlineTable(arguments)
  if arguments.command == "counted-writes" {
    try table.writeTwice()
  } else {
    try table.readAll()
  }
}

extension OnlineTable {
  /// Every key new, then every key again.
  fileprivate func writeTwice() throws {
    try make()
    let store = try open(.process)
    let online = try store.online(Self.name)
    for round in 0..<2 {
      for first in stride(from: 0, to: keys, by: 10_000) {
        let numbers = Array(first..<min(keys, first + 10_000))
        try online.write(try batch(numbers, event: 1_000 + Int64(round)))
      }
    }
    try store.close()
  }

  /// As many keys as there are, by the hundred and one by one.
  fileprivate func readAll() throws {
    let reader = try openForReading().online(Self.name).reader()
    let missing = LarderError(.corrupt, "A row is missing.")
    var word: UInt64 = 5
    var buffers = OnlineBuffers()
    var asked = [Int64](repeating: 0, count: 100)
    for _ in 0..<keys / asked.count {
      for place in asked.indices { asked[place] = key(next(&word)) }
      try reader.read(asked.span, into: &buffers)
      guard let rows = buffers.rows, rows.statuses.allSatisfy({ $0 == .present }) else {
        throw missing
      }
    }
    var sum = 0.0
    for _ in 0..<keys {
      let found = try reader.withRow(ofKey: key(next(&word))) { row in
        var sum = 0.0
        for feature in 0..<10 { sum += row[float64: feature] ?? 0 }
        return sum
      }
      guard let found else { throw missing }
      sum += found
    }
    say("{\"sum\": \(sum)}")
  }
}
