import CLarderKernels
import LarderColumns
import LarderContract

/// The columns of a part of a range's result while several threads write its rows in the order of history.
///
/// Bits of neighbouring rows share a word, and neighbours may be written by different threads: so
/// validity and booleans are whole bytes until all rows are written.
@safe final class OrderedOutput: @unchecked Sendable {
  /// Where one feature's values go.
  struct Feature {
    /// Values of fixed width, or bytes of 0 and 1 that become bits; zeroed.
    let values: Lanes<UInt8>
    /// A byte for each row, 1 where it has a value; nil if every answer has one.
    let valid: Lanes<UInt8>?
  }

  /// For each source and each of its features, where its values go.
  let features: [[Feature]]
  /// For each source a byte for each row, 1 where it found an answer.
  let matched: [Lanes<UInt8>]
  private let output: RangeOutput
  /// The part's first row in the range, a multiple of 64.
  private let first: Int
  private let arena: ByteArena

  /// - Parameter part: rows of the output's range; the first is a multiple of 64.
  init(_ join: PreparedJoin, _ output: RangeOutput, _ part: Range<Int>) {
    precondition(part.lowerBound % 64 == 0, "words of bits are written whole")
    self.output = output
    first = part.lowerBound
    let rows = part.count
    let arena = ByteArena(OrderedOutput.bytes(join, rows: rows))
    self.arena = arena
    matched = join.sources.map { _ in arena.bytes(rows) }
    features = zip(join.sources, output.features).map { source, columns in
      zip(source.features, columns).map { gather, column in
        Feature(
          values: column.isBits
            ? arena.bytes(rows) : Lanes(column.values, from: part.lowerBound * column.width),
          valid: OrderedOutput.mayBeNull(gather, source) ? arena.bytes(rows) : nil)
      }
    }
  }

  /// Bytes that a range takes beside its columns.
  static func bytes(_ join: PreparedJoin, rows: Int) -> Int {
    var columns = 0
    for source in join.sources { columns += 1 + 2 * source.features.count }
    return columns * (rows + Buffer.slack)
  }

  /// Whether a row of history that answers may have no value of a feature.
  private static func mayBeNull(_ gather: FeatureGather, _ source: PreparedJoin.Source) -> Bool {
    guard let sources = gather.batched?.sources, let tables = source.tables else { return false }
    return (0..<tables.count).contains {
      unsafe tables.isOpen[$0] && sources.table[$0].mode != ModeCode.none
    }
  }

  /// Sets some rows to no answer.
  ///
  /// - Parameter rows: rows of the part.
  func clear(_ rows: Range<Int>) {
    for (source, columns) in output.features.enumerated() {
      matched[source].fill(0, in: rows)
      for (feature, column) in zip(features[source], columns) {
        let width = column.isBits ? 1 : column.width
        feature.values.fill(0, in: rows.lowerBound * width..<rows.upperBound * width)
        feature.valid?.fill(0, in: rows)
      }
      if let column = output.eventTimes[source] {
        Lanes<Int64>(column.values, from: first).fill(0, in: rows)
      }
      if let column = output.statuses[source] {
        Lanes<UInt32>(column.values, from: first).fill(StatusCode.noEntity, in: rows)
      }
    }
  }

  /// Writes the event times and statuses of a chunk.
  ///
  /// - Parameters:
  ///   - matches: its answers.
  ///   - places: for each lane of the chunk, its row in the part.
  ///   - status: the status of a lane.
  func write(
    _ source: Int, _ matches: Matches, _ scratch: SearchScratch, places: Lanes<UInt32>,
    lanes: Int, status: (Int) -> UInt32
  ) {
    let matched = self.matched[source]
    for match in 0..<matches.count { matched[Int(places[Int(matches.lane[match])])] = 1 }
    if let column = output.eventTimes[source] {
      let times = Lanes<Int64>(column.values, from: first)
      for match in 0..<matches.count {
        let lane = Int(matches.lane[match])
        times[Int(places[lane])] = scratch.bestEvent[lane]
      }
    }
    if let column = output.statuses[source] {
      let codes = Lanes<UInt32>(column.values, from: first)
      for lane in 0..<lanes { codes[Int(places[lane])] = status(lane) }
    }
  }

  /// Packs the bytes of some rows into the columns' bits.
  ///
  /// - Parameter rows: rows of the part; the first is a multiple of 64.
  func pack(_ rows: Range<Int>) {
    for (source, columns) in output.features.enumerated() {
      for (feature, column) in zip(features[source], columns) {
        packBits(feature.valid ?? matched[source], rows, into: column.validity, from: first)
        if column.isBits { packBits(feature.values, rows, into: column.values, from: first) }
      }
      if let column = output.eventTimes[source] {
        packBits(matched[source], rows, into: column.validity, from: first)
      }
      if let column = output.statuses[source] {
        let words = Lanes<UInt64>(column.validity, from: (first + rows.lowerBound) / 64)
        words.fill(.max, rows.count / 64)
        if rows.count % 64 > 0 { words[rows.count / 64] = 1 &<< UInt64(rows.count % 64) &- 1 }
      }
    }
  }
}

/// Packs bytes of 0 and 1 into bits.
///
/// - Parameters:
///   - rows: which; the first is a multiple of 64.
///   - first: the bit that the first byte goes to, a multiple of 64.
func packBits(_ bytes: Lanes<UInt8>, _ rows: Range<Int>, into bits: Buffer, from first: Int = 0) {
  let words = Lanes<UInt64>(bits, from: (first + rows.lowerBound) / 64)
  unsafe larder_pack_bits(bytes.base + rows.lowerBound, rows.count, words.base)
}

/// Owns bytes of unspecified content, in one piece: many small ones would be fresh memory each time.
private final class ByteArena {
  private let buffer: Buffer
  private var used = 0

  init(_ bytes: Int) { buffer = Buffer(uninitializedBytes: bytes) }

  /// Bytes that nobody else has; they begin a cache line.
  func bytes(_ count: Int) -> Lanes<UInt8> {
    defer { used += (count + 63) / 64 * 64 }
    return Lanes(buffer, from: used)
  }
}
