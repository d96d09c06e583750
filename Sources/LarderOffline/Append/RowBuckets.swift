import LarderColumns

/// What is to be sorted: ids and times, all rows or chosen ones.
struct RowInput: Sendable {
  let ids: Buffer
  let events: Buffer
  let chosen: Buffer?
  let count: Int

  /// The row at a position of the input.
  ///
  /// - Parameter chosen: the rows chosen; nil if all are.
  @inline(__always) func row(_ position: Int, _ chosen: UnsafePointer<UInt32>?) -> Int {
    if let chosen = unsafe chosen { return unsafe Int(chosen[position]) }
    return position
  }
}

/// Distributes rows to buckets of neighbouring ids, in the order they came.
///
/// With as many buckets as ids a bucket is one id's rows. Where few rows have widely spread ids, a
/// bucket is a range of 2^shift ids, so that there are never more than twice as many as rows.
struct RowBuckets: Sendable {
  private let input: RowInput
  private let minID: UInt32
  private let shift: UInt32
  private let buckets: Int
  private let chunks: Int
  /// UInt32: where each bucket starts, and the row count at the end.
  let starts: Buffer
  /// UInt32 per chunk and bucket: where the chunk's next row of the bucket goes.
  private let places: Buffer

  init(_ input: RowInput, threads: Int) {
    self.input = input
    let (low, high) = Self.bounds(input)
    minID = low
    var shift: UInt32 = 0
    while (UInt64(high - low) >> UInt64(shift)) + 1 > UInt64(max(1_024, input.count * 2)) {
      shift += 1
    }
    self.shift = shift
    buckets = Int(UInt64(high - low) >> UInt64(shift)) + 1
    // Each chunk needs counts of its own; small inputs are not worth that.
    chunks = input.count < 65_536 ? 1 : threads
    starts = Buffer(uninitializedBytes: (buckets + 1) * 4)
    places = Buffer(zeroedBytes: chunks * buckets * 4)
    count(threads)
  }

  private static func bounds(_ input: RowInput) -> (UInt32, UInt32) {
    let ids = unsafe input.ids.values(as: UInt32.self)
    let chosen = unsafe input.chosen?.values(as: UInt32.self).baseAddress
    var low = UInt32.max
    var high: UInt32 = 0
    if unsafe chosen == nil {
      for position in 0..<input.count {
        let id = unsafe ids[position]
        low = min(low, id)
        high = max(high, id)
      }
    } else {
      for position in 0..<input.count {
        let id = unsafe ids[input.row(position, chosen)]
        low = min(low, id)
        high = max(high, id)
      }
    }
    return (low, max(low, high))
  }

  private func range(_ chunk: Int) -> Range<Int> {
    let size = (input.count + chunks - 1) / chunks
    return min(input.count, chunk * size)..<min(input.count, (chunk + 1) * size)
  }

  /// Counts the rows of each bucket by chunk and turns the counts into places.
  private func count(_ threads: Int) {
    let total = buckets
    do throws(LarderError) {
      try runTasks(chunks, threads: threads) { chunk throws(LarderError) in
        let ids = unsafe input.ids.values(as: UInt32.self)
        let chosen = unsafe input.chosen?.values(as: UInt32.self).baseAddress
        let counts = unsafe places.mutableValues(as: UInt32.self)
        let base = chunk * total
        for position in range(chunk) {
          let id = unsafe ids[input.row(position, chosen)]
          unsafe counts[base + Int((id &- minID) >> shift)] += 1
        }
      }
    } catch {
      // Counting does not throw.
    }
    let counts = unsafe places.mutableValues(as: UInt32.self)
    let start = unsafe starts.mutableValues(as: UInt32.self)
    var next: UInt32 = 0
    for bucket in 0..<total {
      unsafe start[bucket] = next
      for chunk in 0..<chunks {
        let slot = chunk * total + bucket
        let count = unsafe counts[slot]
        unsafe counts[slot] = next
        next &+= count
      }
    }
    unsafe start[total] = next
  }

  /// Writes the rows to their buckets.
  func scatter(into items: Buffer) throws(LarderError) {
    let total = buckets
    try runTasks(chunks, threads: chunks) { chunk throws(LarderError) in
      let ids = unsafe input.ids.values(as: UInt32.self)
      let events = unsafe input.events.values(as: Int64.self)
      let chosen = unsafe input.chosen?.values(as: UInt32.self).baseAddress
      let target = unsafe items.mutableValues(as: SortItem.self)
      let places = unsafe self.places.mutableValues(as: UInt32.self)
      let base = chunk * total
      for position in range(chunk) {
        let row = unsafe input.row(position, chosen)
        let id = unsafe ids[row]
        let slot = base + Int((id &- minID) >> shift)
        let place = unsafe places[slot]
        unsafe places[slot] = place &+ 1
        unsafe target[Int(place)] = SortItem(
          event: events[row], id: id, row: UInt32(truncatingIfNeeded: row))
      }
    }
  }
}
