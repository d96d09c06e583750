/// Rows in the order in which they are to come out, listed one by one or in spans.
protocol PulledList {
  /// No rows.
  init()

  /// How many rows.
  var count: Int { get }

  /// The first rows, and the others.
  func split(at count: Int) -> (Self, Self)

  /// Forgets the rows and keeps the memory.
  mutating func removeAll()
}

extension PulledRows: PulledList {}
extension PulledSpans: PulledList {}
