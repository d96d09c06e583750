import Glibc
import LarderColumns
import LarderEncodings

/// Decodes runs of lanes of a column, and keeps the vector that a run had only a part of.
///
/// Runs that follow one another in a segment share vectors: one is decoded whole where a run goes on
/// close behind the one before, else a block of 64 when the first run needs it, and once. A vector
/// that one run has whole goes straight to where it is wanted.
@safe package struct LaneWindow {
  /// Bytes of memory that a window needs.
  package static let bytes = 16_384

  private let scratch: UnsafeMutablePointer<Int64>
  private let values: UnsafeMutableRawPointer
  private var vector = -1
  /// A bit for each block of 64 that is decoded.
  private var blocks: UInt32 = 0
  /// The lane after those that were read last.
  private var next = 0
  /// How far a run may lie behind the one before, for the lanes between to be decoded with it.
  private static let gap = 256

  /// Makes a window.
  ///
  /// - Parameter memory: `bytes` bytes, aligned to 64, that outlive it.
  package init(_ memory: UnsafeMutableRawPointer) {
    unsafe scratch = memory.assumingMemoryBound(to: Int64.self)
    unsafe values = memory + 8_192
  }

  /// Forgets what it keeps: the next run is of another column.
  package mutating func reset() {
    vector = -1
    next = 0
  }

  /// Decodes a run of lanes: fixed-width values, Int32 codes or Int64 offsets.
  ///
  /// - Parameters:
  ///   - column: the same at each call, or `reset` is called between; its pages that hold the lanes
  ///     are verified. No bools.
  ///   - lanes: in a column without `sparse` validity, rows.
  ///   - target: room for them.
  @unsafe package mutating func read(
    _ column: SegmentColumn, lanes: Range<Int>, into target: UnsafeMutableRawPointer
  ) {
    let size = column.decodedBytes
    var lane = lanes.lowerBound
    while lane < lanes.upperBound {
      let vector = lane >> 10
      let first = vector << 10
      let count = column.lanes.laneCount(inVector: vector)
      let end = min(lanes.upperBound, first + count)
      let place = unsafe target + (lane - lanes.lowerBound) * size
      if lane == first, end - first == count, vector != self.vector {
        unsafe column.decodeVector(vector, 0..<count, into: place, scratch)
      } else {
        if vector != self.vector {
          self.vector = vector
          blocks = 0
        }
        let isClose = lane >= next && lane - next <= Self.gap
        let wanted = isClose && blocks == 0 ? 0..<count : lane - first..<end - first
        unsafe decode(column, wanted, of: count)
        unsafe memcpy(place, values + (lane - first) * size, (end - lane) * size)
      }
      lane = end
      next = end
    }
  }

  /// Decodes the blocks of the kept vector that hold some indexes and are not there yet.
  @unsafe private mutating func decode(
    _ column: SegmentColumn, _ wanted: Range<Int>, of count: Int
  ) {
    var block = wanted.lowerBound >> 6
    let end = (wanted.upperBound + 63) >> 6
    if blocks == 0, unsafe !column.lanes.hasParts(vector: vector) {
      unsafe column.decodeVector(vector, 0..<count, into: values, scratch)
      blocks = .max
      return
    }
    while block < end {
      if blocks >> UInt32(block) & 1 == 1 {
        block += 1
        continue
      }
      let first = block
      while block < end, blocks >> UInt32(block) & 1 == 0 {
        blocks |= 1 << UInt32(block)
        block += 1
      }
      unsafe column.decodeVector(
        vector, first << 6..<min(count, block << 6), into: values, scratch)
    }
  }
}
