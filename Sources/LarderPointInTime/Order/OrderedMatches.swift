import LarderColumns

/// What one source answers to a part of a range, in the order of history; within a chunk by segment.
///
/// All answers are known before values are gathered, column after column: each column of the result
/// is written from anywhere, and one at a time fits into the caches.
@safe final class OrderedMatches: @unchecked Sendable {
  /// For each answer its row in the result, its segment, and its row there.
  ///
  /// A chunk's begin where its positions do.
  let lanes: MatchLanes
  private let counts: Lanes<UInt32>
  private let buffers: [Buffer]
  private let chunkRows: Int

  /// - Parameters:
  ///   - rows: of the range.
  ///   - chunkRows: positions of a chunk.
  init(rows: Int, chunkRows: Int) {
    self.chunkRows = chunkRows
    let chunks = (rows + chunkRows - 1) / chunkRows
    buffers = [rows, rows, rows, chunks].map { Buffer(uninitializedBytes: $0 * 4) }
    lanes = MatchLanes(
      lane: Lanes(buffers[0]), segment: Lanes(buffers[1]), row: Lanes(buffers[2]))
    counts = Lanes(buffers[3])
  }

  /// Bytes that the answers to so many rows take.
  static func bytes(_ rows: Int) -> Int { rows * 12 }

  /// The answers of a chunk.
  func range(_ chunk: Int) -> Range<Int> {
    chunk * chunkRows..<chunk * chunkRows + Int(counts[chunk])
  }

  /// Keeps the answers of a chunk.
  ///
  /// - Parameters:
  ///   - matches: in the order of history.
  ///   - places: for each lane of the chunk, its row in the result.
  ///   - next: working memory, one more than there are segments.
  func keep(_ chunk: Int, _ matches: Matches, places: Lanes<UInt32>, next: Lanes<UInt32>) {
    counts[chunk] = UInt32(truncatingIfNeeded: matches.count)
    next.fill(0, next.count)
    for match in 0..<matches.count { next[Int(matches.segment[match]) + 1] &+= 1 }
    next[0] = UInt32(truncatingIfNeeded: chunk * chunkRows)
    for segment in 1..<next.count { next[segment] &+= next[segment - 1] }
    for match in 0..<matches.count {
      let segment = matches.segment[match]
      let place = Int(next[Int(segment)])
      next[Int(segment)] &+= 1
      lanes.lane[place] = places[Int(matches.lane[match])]
      lanes.segment[place] = segment
      lanes.row[place] = matches.row[match]
    }
  }
}

extension MatchLanes {
  /// The end of the run of a segment that some answers begin with; their segments ascend.
  func end(of segment: UInt32, in range: Range<Int>) -> Int {
    var low = range.lowerBound
    var high = range.upperBound
    if self.segment[high - 1] == segment { return high }
    while low < high {
      let middle = (low + high) / 2
      if self.segment[middle] <= segment { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
