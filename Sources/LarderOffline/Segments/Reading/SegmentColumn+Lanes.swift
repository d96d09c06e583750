import CLarderKernels
import Glibc
import LarderColumns
import LarderEncodings

extension SegmentColumn {
  /// Bytes of a stored value as it is decoded: 4 for codes too; 0 for bools, which are bits.
  var decodedBytes: Int {
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
    let size = decodedBytes
    unsafe withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 64) { scratch in
      guard let base = scratch.baseAddress else { return }
      let lanes = unsafe base.assumingMemoryBound(to: Int64.self)
      let partial = unsafe base + 8_192
      var lane = range.lowerBound
      while lane < range.upperBound {
        let vector = lane >> 10
        let first = vector << 10
        let end = min(range.upperBound, first + self.lanes.laneCount(inVector: vector))
        let place = unsafe target + (lane - range.lowerBound) * size
        let isWhole = lane == first && end - first == self.lanes.laneCount(inVector: vector)
        if isWhole {
          unsafe decodeVector(vector, into: place, lanes)
        } else {
          unsafe decodeVector(vector, into: partial, lanes)
          unsafe memcpy(place, partial + (lane - first) * size, (end - lane) * size)
        }
        lane = end
      }
    }
  }

  /// Decodes a vector of fixed-width values or codes.
  @unsafe private func decodeVector(
    _ vector: Int, into target: UnsafeMutableRawPointer, _ scratch: UnsafeMutablePointer<Int64>
  ) {
    let count = lanes.laneCount(inVector: vector)
    if let fixedDictionary {
      unsafe lanes.decode(vector: vector, into: scratch)
      let words = unsafe fixedDictionary.words
      if decodedBytes == 8 {
        let values = unsafe target.assumingMemoryBound(to: UInt64.self)
        for index in 0..<count {
          unsafe values[index] = words[Int(truncatingIfNeeded: scratch[index])]
        }
      } else {
        let values = unsafe target.assumingMemoryBound(to: UInt32.self)
        for index in 0..<count {
          unsafe values[index] = UInt32(
            truncatingIfNeeded: words[Int(truncatingIfNeeded: scratch[index])])
        }
      }
      return
    }
    switch type {
    case .float64 where encoding == .lanes:
      unsafe lanes.decodeDoubles(
        vector: vector, into: target.assumingMemoryBound(to: Double.self), scratch: scratch)
    case .float32 where encoding == .lanes:
      unsafe lanes.decodeFloats(
        vector: vector, into: target.assumingMemoryBound(to: UInt32.self), scratch: scratch)
    default:
      if decodedBytes == 8 {
        unsafe lanes.decode(vector: vector, into: target.assumingMemoryBound(to: Int64.self))
      } else {
        unsafe lanes.decode(vector: vector, into: scratch)
        unsafe larder_narrow(scratch, count, target.assumingMemoryBound(to: Int32.self))
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
  func slots(of range: Range<Int>) -> Range<Int> {
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
