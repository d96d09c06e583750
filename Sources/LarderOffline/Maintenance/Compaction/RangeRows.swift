import LarderColumns

/// Hands out the rows of several segments in a range of event time, id by id, in shares that fit
/// memory: what is held is one share's row numbers.
struct RangeRows {
  private let inputs: [Segment]
  private let indexes: [EntityIndexView]
  private let range: ClosedRange<Int64>
  /// A share ends once it has so many rows.
  private let goal: Int
  /// Rows of a share at most, unless one id alone has more.
  private let most: Int
  /// The next entity of each input.
  private var next: [Int]
  private var carried: Window?

  /// Rows are looked at so many at a time.
  private let windowRows: Int

  /// The rows of a range of ids: for each input a run of rows, and which of them are in time; nil
  /// for an input that lies in the range as a whole.
  private struct Window {
    var runs: [Range<Int>]
    var chosen: [[UInt32]?]
    var count = 0
  }

  /// - Parameters:
  ///   - inputs: in the order in which their rows win ties, the least first.
  ///   - range: of event time, in ticks.
  ///   - rows: about how many rows there are; shares are about equal.
  ///   - most: rows of a share at most, unless one id alone has more.
  /// - Throws: `corrupt` if an entity index is damaged.
  init(
    _ inputs: [Segment], in range: ClosedRange<Int64>, rows: Int, most: Int
  ) throws(LarderError) {
    self.inputs = inputs
    self.range = range
    self.most = most
    windowRows = max(1, min(1 << 18, most / 8))
    let room = max(1, most - windowRows)
    let shares = rows <= most ? 1 : (rows + room - 1) / room
    goal = shares == 1 ? most : (rows + shares - 1) / shares
    var indexes: [EntityIndexView] = []
    for input in inputs { indexes.append(try input.entityIndex()) }
    self.indexes = indexes
    next = [Int](repeating: 0, count: inputs.count)
  }

  /// The next share, inputs without rows in it left out; nil after the last.
  ///
  /// - Throws: `corrupt` if a page is damaged.
  mutating func nextShare() throws(LarderError) -> [SegmentRows]? {
    var whole: Window?
    while let window = try nextWindow() {
      guard var sum = whole else {
        whole = window
        continue
      }
      if sum.count > 0, sum.count >= goal || sum.count + window.count > most {
        carried = window
        break
      }
      for index in inputs.indices {
        sum.runs[index] = sum.runs[index].lowerBound..<window.runs[index].upperBound
        if let more = window.chosen[index] { sum.chosen[index]?.append(contentsOf: more) }
      }
      sum.count += window.count
      whole = sum
    }
    guard let whole, whole.count > 0 else { return nil }
    return inputs.indices.compactMap { index in
      guard let chosen = whole.chosen[index] else {
        let rows = whole.runs[index]
        return rows.isEmpty ? nil : SegmentRows(inputs[index], range: rows)
      }
      guard let first = chosen.first, let last = chosen.last else { return nil }
      let rows = Int(first)..<Int(last) + 1
      return SegmentRows(
        inputs[index], range: rows,
        chosen: chosen.count == rows.count ? nil : Buffer(copying: chosen.map { $0 - first }))
    }
  }

  private mutating func nextWindow() throws(LarderError) -> Window? {
    if let window = carried {
      carried = nil
      return window
    }
    guard let last = lastID() else { return nil }
    var window = Window(runs: [], chosen: [])
    for (index, input) in inputs.enumerated() {
      let end = position(after: last, in: index)
      let run = unsafe Int(indexes[index].starts[next[index]])..<Int(indexes[index].starts[end])
      next[index] = end
      window.runs.append(run)
      if range.contains(input.description.minEvent), range.contains(input.description.maxEvent) {
        window.chosen.append(nil)
        window.count += run.count
      } else {
        let rows = try rows(of: input, in: run)
        window.chosen.append(rows)
        window.count += rows.count
      }
    }
    return window
  }

  private func rows(of input: Segment, in run: Range<Int>) throws(LarderError) -> [UInt32] {
    guard !run.isEmpty else { return [] }
    let events = try input.decodeEvents(rows: run)
    let times = unsafe events.values(as: Int64.self)
    var rows: [UInt32] = []
    for row in run where unsafe range.contains(times[row - run.lowerBound]) {
      rows.append(UInt32(row))
    }
    return rows
  }

  /// The last id of the next window: as many as have few enough rows, and one at least.
  private func lastID() -> UInt32? {
    var first: UInt32?
    for (index, view) in indexes.enumerated() where next[index] < view.count {
      let id = unsafe view.ids[next[index]]
      first = min(first ?? id, id)
    }
    guard var low = first else { return nil }
    var high = UInt32.max
    while low < high {
      let middle = low + (high - low) / 2 + 1
      if rows(through: middle) <= windowRows { low = middle } else { high = middle - 1 }
    }
    return low
  }

  private func rows(through id: UInt32) -> Int {
    var sum = 0
    for (index, view) in indexes.enumerated() {
      let end = position(after: id, in: index)
      sum += unsafe Int(view.starts[end]) - Int(view.starts[next[index]])
    }
    return sum
  }

  /// The first entity of an input after an id, from the next one on.
  private func position(after id: UInt32, in index: Int) -> Int {
    let view = indexes[index]
    var low = next[index]
    var high = view.count
    while low < high {
      let middle = (low + high) / 2
      if unsafe view.ids[middle] <= id { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
