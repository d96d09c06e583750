import CLarderKernels
import Glibc

/// Decodes whole vectors into lanes and floats: the bulk twin of `PackedView`'s single values.
extension PackedView {
  /// How many lanes a vector has.
  @inlinable package func laneCount(inVector vector: Int) -> Int {
    min(1_024, count - vector * 1_024)
  }

  /// Decodes a vector to integers, scaled.
  ///
  /// - Parameter target: room for 1,024 lanes.
  @unsafe package func decode(vector: Int, into target: UnsafeMutablePointer<Int64>) {
    let header = unsafe headers[vector]
    let inVector = laneCount(inVector: vector)
    let patches = unsafe decodeUnpatched(header, inVector, into: target)
    unsafe apply(patches, header, target)
    let scale = unsafe scales[vector >> 6]
    if scale != 1 { unsafe larder_multiply(target, inVector, scale) }
  }

  /// Decodes a vector of a float64 column.
  ///
  /// - Parameters:
  ///   - target: room for 1,024 values.
  ///   - scratch: room for 1,024 lanes, for decimals.
  @unsafe package func decodeDoubles(
    vector: Int, into target: UnsafeMutablePointer<Double>,
    scratch: UnsafeMutablePointer<Int64>
  ) {
    let header = unsafe headers[vector]
    let inVector = laneCount(inVector: vector)
    let bits = unsafe UnsafeMutableRawPointer(target).assumingMemoryBound(to: Int64.self)
    if header.kind.isDisjoint(with: [.decimal, .single]) {
      let patches = unsafe decodeUnpatched(header, inVector, into: bits)
      unsafe apply(patches, header, bits)
      return
    }
    let patches = unsafe decodeUnpatched(header, inVector, into: scratch)
    if header.kind.contains(.decimal) {
      unsafe larder_divide64(scratch, inVector, powerOfTen(header.exponent), target)
    } else {
      for index in 0..<inVector {
        let single = unsafe Float(bitPattern: UInt32(truncatingIfNeeded: scratch[index]))
        unsafe target[index] = Double(single)
      }
    }
    unsafe apply(patches, header, bits)
  }

  /// Decodes a vector of a float32 column to bits.
  @unsafe package func decodeFloats(
    vector: Int, into target: UnsafeMutablePointer<UInt32>,
    scratch: UnsafeMutablePointer<Int64>
  ) {
    let header = unsafe headers[vector]
    let inVector = laneCount(inVector: vector)
    let patches = unsafe decodeUnpatched(header, inVector, into: scratch)
    guard header.kind.contains(.decimal) else {
      unsafe apply(patches, header, scratch)
      let words = unsafe UnsafeMutableRawPointer(target).assumingMemoryBound(to: Int32.self)
      unsafe larder_narrow(scratch, inVector, words)
      return
    }
    let floats = unsafe UnsafeMutableRawPointer(target).assumingMemoryBound(to: Float.self)
    unsafe larder_divide32(scratch, inVector, powerOfTen(header.exponent), floats)
    guard let patches = unsafe patches else { return }
    for ordinal in 0..<header.extraCount {
      let position = unsafe Patches.position(patches, header, ordinal: ordinal)
      let bits = unsafe Patches.value(patches, header, ordinal: ordinal)
      unsafe target[position] = UInt32(truncatingIfNeeded: bits)
    }
  }

  /// Decodes all but the patches, which are returned to be applied; deltas apply their own.
  @unsafe private func decodeUnpatched(
    _ header: VectorHeader, _ inVector: Int, into target: UnsafeMutablePointer<Int64>
  ) -> UnsafeRawPointer? {
    let source = unsafe body + Int(header.offset) << 3
    let width = UInt32(header.width)
    var patches = unsafe source
    switch header.codec {
    case 0:
      unsafe larder_unpack(source, inVector, width, header.base, target)
      unsafe patches += Packing.bytes(inVector, Int(width))
    case 1:
      let baseBytes = header.frameBaseBytes
      for frame in 0..<((inVector + 63) >> 6) {
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
    _ patches: UnsafeRawPointer?, _ header: VectorHeader, _ target: UnsafeMutablePointer<Int64>
  ) {
    guard let patches = unsafe patches else { return }
    for ordinal in 0..<header.extraCount {
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
