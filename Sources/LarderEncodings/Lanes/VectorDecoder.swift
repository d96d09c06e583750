import CLarderKernels
import Glibc

/// Decodes vectors into lanes and floats: the bulk twin of `PackedView`'s single values.
///
/// A part of a vector is a range of its indexes that begins at a multiple of 64 and ends at one or
/// at the vector's end. Values go to their index's place; some codecs write the whole vector.
extension PackedView {
  /// How many lanes a vector has.
  @inlinable package func laneCount(inVector vector: Int) -> Int {
    min(1_024, count - vector * 1_024)
  }

  /// Whether parts of a vector can be decoded alone: runs and deltas come whole.
  @inlinable @unsafe package func hasParts(vector: Int) -> Bool {
    unsafe headers[vector].codec < 2
  }

  /// Decodes a vector to integers, scaled.
  ///
  /// - Parameters:
  ///   - part: indexes of it; nil for all.
  ///   - target: room for 1,024 lanes.
  @unsafe package func decode(
    vector: Int, part: Range<Int>? = nil, into target: UnsafeMutablePointer<Int64>
  ) {
    let header = unsafe headers[vector]
    let inVector = laneCount(inVector: vector)
    let part = part ?? 0..<inVector
    let patches = unsafe decodeUnpatched(header, inVector, part, into: target)
    unsafe apply(patches, header, part, target)
    let scale = unsafe scales[vector >> 6]
    if scale != 1 { unsafe larder_multiply(target + part.lowerBound, part.count, scale) }
  }

  /// Decodes a vector of a float64 column.
  ///
  /// - Parameters:
  ///   - part: indexes of it; nil for all.
  ///   - target: room for 1,024 values.
  ///   - scratch: room for 1,024 lanes, for decimals.
  @unsafe package func decodeDoubles(
    vector: Int, part: Range<Int>? = nil, into target: UnsafeMutablePointer<Double>,
    scratch: UnsafeMutablePointer<Int64>
  ) {
    let header = unsafe headers[vector]
    let inVector = laneCount(inVector: vector)
    let part = part ?? 0..<inVector
    let bits = unsafe UnsafeMutableRawPointer(target).assumingMemoryBound(to: Int64.self)
    if header.kind.isDisjoint(with: [.decimal, .single]) {
      let patches = unsafe decodeUnpatched(header, inVector, part, into: bits)
      unsafe apply(patches, header, part, bits)
      return
    }
    let patches = unsafe decodeUnpatched(header, inVector, part, into: scratch)
    let (from, to) = unsafe (scratch + part.lowerBound, target + part.lowerBound)
    if header.kind.contains(.decimal) {
      unsafe larder_divide64(from, part.count, powerOfTen(header.exponent), to)
    } else {
      unsafe larder_widen_singles(from, part.count, to)
    }
    unsafe apply(patches, header, part, bits)
  }

  /// Decodes a vector of a float32 column to bits.
  @unsafe package func decodeFloats(
    vector: Int, part: Range<Int>? = nil, into target: UnsafeMutablePointer<UInt32>,
    scratch: UnsafeMutablePointer<Int64>
  ) {
    let header = unsafe headers[vector]
    let inVector = laneCount(inVector: vector)
    let part = part ?? 0..<inVector
    let patches = unsafe decodeUnpatched(header, inVector, part, into: scratch)
    let (from, to) = unsafe (scratch + part.lowerBound, target + part.lowerBound)
    guard header.kind.contains(.decimal) else {
      unsafe apply(patches, header, part, scratch)
      let words = unsafe UnsafeMutableRawPointer(to).assumingMemoryBound(to: Int32.self)
      unsafe larder_narrow(from, part.count, words)
      return
    }
    let floats = unsafe UnsafeMutableRawPointer(to).assumingMemoryBound(to: Float.self)
    unsafe larder_divide32(from, part.count, powerOfTen(header.exponent), floats)
    guard let patches = unsafe patches else { return }
    for ordinal in unsafe Patches.ordinals(patches, header, within: part) {
      let position = unsafe Patches.position(patches, header, ordinal: ordinal)
      let bits = unsafe Patches.value(patches, header, ordinal: ordinal)
      unsafe target[position] = UInt32(truncatingIfNeeded: bits)
    }
  }

  /// Decodes all but the patches, which are returned to be applied; deltas apply their own.
  @unsafe private func decodeUnpatched(
    _ header: VectorHeader, _ inVector: Int, _ part: Range<Int>,
    into target: UnsafeMutablePointer<Int64>
  ) -> UnsafeRawPointer? {
    let source = unsafe body + Int(header.offset) << 3
    let width = UInt32(header.width)
    var patches = unsafe source
    switch header.codec {
    case 0:
      // 64 numbers are whole bytes.
      let start = unsafe source + part.lowerBound >> 3 * Int(width)
      unsafe larder_unpack(start, part.count, width, header.base, target + part.lowerBound)
      unsafe patches += Packing.bytes(inVector, Int(width))
    case 1:
      let baseBytes = header.frameBaseBytes
      for frame in (part.lowerBound >> 6)..<((part.upperBound + 63) >> 6) {
        let base = unsafe Frames.base(source, header, frame * 64)
        let start = unsafe source + (frame * (Int(width) * 8 + baseBytes) + baseBytes)
        unsafe larder_unpack(
          start, min(64, inVector - frame * 64), width, base, target + frame * 64)
      }
      unsafe patches += Frames.bytes(inVector, Int(width), baseBytes)
    case 2:
      unsafe RunLength.decode(source, header, inVector, into: target)
      return nil
    default:
      unsafe AnchoredDelta.decode(source, header, inVector, into: target)
      return nil
    }
    return unsafe header.kind.contains(.patched) ? patches : nil
  }

  @unsafe private func apply(
    _ patches: UnsafeRawPointer?, _ header: VectorHeader, _ part: Range<Int>,
    _ target: UnsafeMutablePointer<Int64>
  ) {
    guard let patches = unsafe patches else { return }
    for ordinal in unsafe Patches.ordinals(patches, header, within: part) {
      let position = unsafe Patches.position(patches, header, ordinal: ordinal)
      unsafe target[position] = Patches.value(patches, header, ordinal: ordinal)
    }
  }
}

extension RunLength {
  /// Decodes a vector.
  @unsafe package static func decode(
    _ vectorBody: UnsafeRawPointer, _ header: VectorHeader, _ count: Int,
    into target: UnsafeMutablePointer<Int64>
  ) {
    var index = 0
    for run in 0..<header.extraCount {
      let end = unsafe min(count, Self.end(vectorBody, header, run: run))
      if index >= end { continue }
      let bit = run * Int(header.width)
      let word = unsafe (vectorBody + bit >> 3).loadUnaligned(as: UInt64.self) >> UInt64(bit & 7)
      let lane = header.base &+ Int64(bitPattern: word & laneMask(Int(header.width)))
      while index < end {
        unsafe target[index] = lane
        index += 1
      }
    }
  }
}

extension AnchoredDelta {
  /// Decodes a vector.
  @unsafe package static func decode(
    _ vectorBody: UnsafeRawPointer, _ header: VectorHeader, _ count: Int,
    into target: UnsafeMutablePointer<Int64>
  ) {
    let leastDelta = unsafe vectorBody.loadUnaligned(as: Int64.self)
    let anchorWidth = unsafe Self.anchorWidth(vectorBody)
    let anchorCount = (count + 63) >> 6
    let anchors = unsafe vectorBody + prefixBytes
    let deltas = unsafe anchors + Packing.bytes(anchorCount, anchorWidth)
    let patches = unsafe deltas + Packing.bytes(count, Int(header.width))
    unsafe larder_unpack(deltas, count, UInt32(header.width), leastDelta, target)
    var ordinal = 0
    let restarts = header.kind.contains(.patched) ? header.extraCount : 0
    for anchor in 0..<anchorCount {
      let bit = anchor * anchorWidth
      let word = unsafe (anchors + bit >> 3).loadUnaligned(as: UInt64.self) >> UInt64(bit & 7)
      var lane = header.base &+ Int64(bitPattern: word & laneMask(anchorWidth))
      var index = anchor << 6
      let end = min(count, index + 64)
      while index < end {
        // Up to the next restart, or the end of the block.
        var stop = end
        var next: Int64 = 0
        if ordinal < restarts {
          let position = unsafe Patches.position(patches, header, ordinal: ordinal)
          if position < end {
            stop = position
            next = unsafe Patches.value(patches, header, ordinal: ordinal)
            ordinal += 1
          }
        }
        if index < stop {
          unsafe target[index] = lane
          unsafe larder_prefix_sum(target + index + 1, stop - index - 1, lane)
          index = stop
        }
        if stop < end {
          lane = next
          // A restart at once after another leaves nothing between them.
        } else {
          break
        }
      }
    }
  }
}
