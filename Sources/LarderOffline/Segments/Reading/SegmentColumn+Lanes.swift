import CLarderKernels
import Glibc
import LarderColumns
import LarderEncodings

extension SegmentColumn {
  /// Bytes of a stored value as it is decoded; see `decodedBytes`.
  static func decodedBytes(_ type: DataType, _ encoding: ColumnEncoding) -> Int {
    if encoding == .dictionary { return 4 }
    if case .fixed(let bytes) = type.layout { return bytes }
    return type.layout == .bits ? 0 : 8
  }

  /// Decodes the stored values of a range of lanes: fixed-width values, or Int32 codes.
  ///
  /// Pages must be verified. In a column without `sparse` validity lanes are rows.
  ///
  /// - Parameters:
  ///   - range: lanes; bools are not decoded here.
  ///   - target: room for them and 64 bytes more.
  @unsafe package func decodeValues(
    lanes range: Range<Int>, into target: UnsafeMutableRawPointer
  ) {
    unsafe withUnsafeTemporaryAllocation(byteCount: LaneWindow.bytes, alignment: 64) { memory in
      guard let base = memory.baseAddress else { return }
      var window = unsafe LaneWindow(base)
      unsafe window.read(self, lanes: range, into: target)
    }
  }

  /// Decodes a part of a vector of fixed-width values or codes.
  ///
  /// - Parameters:
  ///   - part: indexes of it, from a multiple of 64 to one or to the vector's end.
  ///   - target: where the vector's first value goes.
  ///   - scratch: room for 1,024 lanes.
  @unsafe func decodeVector(
    _ vector: Int, _ part: Range<Int>, into target: UnsafeMutableRawPointer,
    _ scratch: UnsafeMutablePointer<Int64>
  ) {
    if let fixedDictionary {
      unsafe lanes.decode(vector: vector, part: part, into: scratch)
      let words = unsafe fixedDictionary.words
      if decodedBytes == 8 {
        let values = unsafe target.assumingMemoryBound(to: UInt64.self)
        for index in part {
          unsafe values[index] = words[Int(truncatingIfNeeded: scratch[index])]
        }
      } else {
        let values = unsafe target.assumingMemoryBound(to: UInt32.self)
        for index in part {
          unsafe values[index] = UInt32(
            truncatingIfNeeded: words[Int(truncatingIfNeeded: scratch[index])])
        }
      }
      return
    }
    switch type {
    case .float64 where encoding == .lanes:
      let values = unsafe target.assumingMemoryBound(to: Double.self)
      unsafe lanes.decodeDoubles(vector: vector, part: part, into: values, scratch: scratch)
    case .float32 where encoding == .lanes:
      let values = unsafe target.assumingMemoryBound(to: UInt32.self)
      unsafe lanes.decodeFloats(vector: vector, part: part, into: values, scratch: scratch)
    default:
      if decodedBytes == 8 {
        let values = unsafe target.assumingMemoryBound(to: Int64.self)
        unsafe lanes.decode(vector: vector, part: part, into: values)
      } else {
        unsafe lanes.decode(vector: vector, part: part, into: scratch)
        let values = unsafe target.assumingMemoryBound(to: Int32.self) + part.lowerBound
        unsafe larder_narrow(scratch + part.lowerBound, part.count, values)
      }
    }
  }

  /// Decodes the bits of a range of lanes of a bool column into zeroed bytes.
  @unsafe func decodeBits(lanes range: Range<Int>, into target: UnsafeMutablePointer<UInt8>) {
    var lane = range.lowerBound
    while lane < range.upperBound {
      let vector = lane >> 10
      let first = vector << 10
      let end = min(range.upperBound, first + lanes.laneCount(inVector: vector))
      let header = unsafe lanes.headers[vector]
      let isPlain = header.kind.rawValue == 0 && header.width == 1 && header.base == 0
      if isPlain, lane == first, (lane - range.lowerBound) & 7 == 0, end - first == 1_024 {
        let source = unsafe lanes.body + Int(header.offset) << 3
        unsafe memcpy(target + (lane - range.lowerBound) >> 3, source, 128)
        lane = end
      } else {
        while lane < end {
          let index = lane - range.lowerBound
          if unsafe lanes.lane(at: lane) & 1 == 1 {
            unsafe target[index >> 3] |= 1 << UInt8(index & 7)
          }
          lane += 1
        }
      }
    }
  }

  /// The stored values of a run of rows in their rows' places, 0 where there is none.
  func decodeSlots(_ range: Range<Int>) -> Buffer {
    let size = decodedBytes
    switch validity.mode {
    case .none, .bitmap:
      let values = Buffer(uninitializedBytes: range.count * size)
      unsafe decodeValues(lanes: range, into: values.base)
      return values
    case .allNull: return Buffer(zeroedBytes: range.count * size)
    case .sparse: break
    }
    let slots = self.slots(of: range)
    let dense = Buffer(uninitializedBytes: slots.count * size)
    unsafe decodeValues(lanes: slots, into: dense.base)
    let values = Buffer(zeroedBytes: range.count * size)
    var slot = 0
    for row in range where unsafe validity.isValid(row) {
      let place = (row - range.lowerBound) * size
      if size == 8 {
        unsafe values.base.storeBytes(
          of: dense.base.load(fromByteOffset: slot * 8, as: UInt64.self), toByteOffset: place,
          as: UInt64.self)
      } else {
        unsafe values.base.storeBytes(
          of: dense.base.load(fromByteOffset: slot * 4, as: UInt32.self), toByteOffset: place,
          as: UInt32.self)
      }
      slot += 1
    }
    return values
  }

  /// Where the stored values of rows lie.
  package func slots(of range: Range<Int>) -> Range<Int> {
    switch validity.mode {
    case .none, .bitmap: return range
    case .allNull: return 0..<0
    case .sparse:
      let first = range.lowerBound == rows ? 0 : unsafe validity.rank(range.lowerBound)
      let end = range.upperBound == rows ? rows - nullCount : unsafe validity.rank(range.upperBound)
      return range.isEmpty ? 0..<0 : first..<end
    }
  }
}
