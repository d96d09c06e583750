import Glibc

/// Chooses a codec for each vector and appends its header and body.
package struct VectorEncoder {
  /// The headers so far.
  package private(set) var headers: [VectorHeader] = []
  /// What occurs in them.
  package private(set) var traits: LaneTraits = []
  /// The bodies since the sink was last emptied.
  package let sink: ByteSink
  private let options: LaneOptions
  /// Bytes of bodies before the sink's first.
  private var flushed = 0

  /// Makes an encoder that appends bodies to a sink of its own.
  package init(_ options: LaneOptions) {
    sink = ByteSink(capacity: 1 << 14)
    self.options = options
  }

  /// Where the next body starts, in bytes from the start of the column's bodies.
  package var position: Int { flushed + sink.count }
  /// Where the sink's first byte lies, in bytes from the start of the column's bodies.
  package var sinkOrigin: Int { flushed }

  /// Forgets the bodies appended so far, which the caller has written.
  package mutating func didFlush() {
    flushed += sink.count
    sink.removeAll()
  }

  /// Exchanges the vectors appended since the sink was last emptied for as many others, whose bodies
  /// the caller keeps in a form of its own.
  ///
  /// - Parameters:
  ///   - vectors: their offsets count from the first of them.
  ///   - bytes: of their bodies.
  package mutating func exchange(for vectors: [VectorHeader], bytes: Int) {
    headers.removeLast(vectors.count)
    for vector in vectors {
      var header = vector
      header.offset &+= UInt32(truncatingIfNeeded: flushed >> 3)
      headers.append(header)
    }
    traits = []
    for header in headers { traits.formUnion(LaneTraits(header.kind)) }
    sink.removeAll()
    flushed += bytes
  }

  /// Appends one vector as the plan says that is the least.
  @unsafe package mutating func append(_ input: VectorInput) {
    unsafe append(input, VectorPlan.choose(input, options))
  }

  /// Appends one vector by a plan made for it.
  @unsafe package mutating func append(_ input: VectorInput, _ plan: VectorPlan) {
    var header = unsafe VectorHeader(
      base: plan.base, offset: UInt32(truncatingIfNeeded: position >> 3),
      width: UInt8(plan.width), kind: plan.kind, aux: UInt16(input.exponent << 11))
    let extras =
      switch header.codec {
      case 1: unsafe appendFrames(input, plan, header)
      case 2: unsafe appendRuns(input, plan)
      case 3: unsafe appendDelta(input, plan, header)
      default: unsafe appendFrameOfReference(input, plan, header)
      }
    if extras == 0 { header.kind.subtract([.patched, .narrowPatches]) }
    header.aux |= UInt16(extras)
    headers.append(header)
    traits.formUnion(LaneTraits(header.kind))
  }

  /// Appends packed numbers, and what is too great for them as patches.
  @unsafe private func appendFrameOfReference(
    _ input: VectorInput, _ plan: VectorPlan, _ header: VectorHeader
  ) -> Int {
    let count = unsafe input.count
    guard plan.kind.contains(.patched) else {
      let body = unsafe sink.extend(by: Packing.bytes(count, plan.width))
      unsafe Packing.pack(input.lanes, count, base: plan.base, width: plan.width, into: body)
      return 0
    }
    let mask = laneMask(plan.width)
    return unsafe withUnsafeTemporaryAllocation(of: Int64.self, capacity: count) { scratch in
      guard let lanes = scratch.baseAddress else { return 0 }
      var positions: [UInt16] = []
      var next = 0
      for index in 0..<count {
        let lane = unsafe input.lanes[index]
        let isException =
          unsafe next < input.exceptions.count && Int(input.exceptions[next]) == index
        if isException { next += 1 }
        if isException || UInt64(bitPattern: lane &- plan.base) >= mask {
          positions.append(UInt16(index))
          unsafe lanes[index] = plan.base &+ Int64(bitPattern: mask)
        } else {
          unsafe lanes[index] = lane
        }
      }
      let body = unsafe sink.extend(by: Packing.bytes(count, plan.width))
      unsafe Packing.pack(lanes, count, base: plan.base, width: plan.width, into: body)
      unsafe appendPatches(positions, input, header)
      return positions.count
    }
  }

  /// Appends the patches of sorted positions.
  @unsafe private func appendPatches(
    _ positions: [UInt16], _ input: VectorInput, _ header: VectorHeader
  ) {
    if positions.isEmpty { return }
    let bytes = unsafe sink.extend(by: Patches.bytes(positions.count, header.kind))
    let size = Patches.valueBytes(header.kind)
    let values = unsafe input.bits ?? input.lanes
    for (ordinal, position) in positions.enumerated() {
      let value = unsafe values[Int(position)]
      if size == 4 {
        let difference = UInt32(truncatingIfNeeded: value &- header.base)
        unsafe bytes.storeBytes(of: difference, toByteOffset: ordinal * 4, as: UInt32.self)
      } else {
        unsafe bytes.storeBytes(of: value, toByteOffset: ordinal * 8, as: Int64.self)
      }
      unsafe bytes.storeBytes(
        of: position, toByteOffset: positions.count * size + ordinal * 2, as: UInt16.self)
    }
  }

  @unsafe private func appendFrames(
    _ input: VectorInput, _ plan: VectorPlan, _ header: VectorHeader
  ) -> Int {
    let count = unsafe input.count
    let baseBytes = header.frameBaseBytes
    let mask = laneMask(plan.width)
    let body = unsafe sink.extend(by: Frames.bytes(count, plan.width, baseBytes))
    unsafe withUnsafeTemporaryAllocation(of: Int64.self, capacity: 128) { scratch in
      guard let lanes = scratch.baseAddress else { return }
      let packed = unsafe UnsafeMutableRawPointer(lanes + 64)
      var next = 0
      for frame in 0..<((count + 63) / 64) {
        let inside = min(64, count - frame * 64)
        var least = Int64.max
        for index in 0..<inside { unsafe least = min(least, input.lanes[frame * 64 + index]) }
        for index in 0..<inside {
          let position = frame * 64 + index
          unsafe lanes[index] = input.lanes[position]
          if unsafe next < input.exceptions.count, unsafe Int(input.exceptions[next]) == position {
            next += 1
            unsafe lanes[index] = least &+ Int64(bitPattern: mask)
          }
        }
        let start = unsafe body + frame * (plan.width * 8 + baseBytes)
        var base = (least &- plan.base).littleEndian
        unsafe memcpy(start, &base, baseBytes)
        unsafe memset(packed, 0, 512)
        unsafe Packing.pack(lanes, inside, base: least, width: plan.width, into: packed)
        unsafe memcpy(start + baseBytes, packed, (inside * plan.width + 7) / 8)
      }
    }
    unsafe appendPatches(Array(input.exceptions), input, header)
    return unsafe input.exceptions.count
  }

  @unsafe private func appendRuns(_ input: VectorInput, _ plan: VectorPlan) -> Int {
    var values: [Int64] = []
    var ends: [UInt16] = []
    for index in unsafe 0..<input.count {
      let lane = unsafe input.lanes[index]
      if let last = values.last, last == lane {
        ends[ends.count - 1] = UInt16(index + 1)
      } else {
        values.append(lane)
        ends.append(UInt16(index + 1))
      }
    }
    let body = unsafe sink.extend(by: RunLength.bytes(values.count, plan.width))
    unsafe values.withUnsafeBufferPointer { values in
      guard let start = values.baseAddress else { return }
      unsafe Packing.pack(start, values.count, base: plan.base, width: plan.width, into: body)
    }
    let ends0 = Packing.bytes(values.count, plan.width)
    for (run, end) in ends.enumerated() {
      unsafe body.storeBytes(of: end, toByteOffset: ends0 + run * 2, as: UInt16.self)
    }
    return values.count
  }

  @unsafe private func appendDelta(
    _ input: VectorInput, _ plan: VectorPlan, _ header: VectorHeader
  ) -> Int {
    let count = unsafe input.count
    let mask = laneMask(plan.width)
    var anchors: [Int64] = []
    var positions: [UInt16] = []
    var deltas = [Int64](repeating: plan.leastDelta, count: count)
    let patches = plan.kind.contains(.patched)
    for index in 0..<count {
      let lane = unsafe input.lanes[index]
      if index & 63 == 0 {
        anchors.append(lane)
        continue
      }
      let difference = unsafe lane &- input.lanes[index - 1]
      let isAside =
        unsafe patches
        && (input.isRestart(index)
          || UInt64(bitPattern: difference &- plan.leastDelta) >= mask)
      if isAside {
        positions.append(UInt16(index))
        deltas[index] = plan.leastDelta &+ Int64(bitPattern: mask)
      } else {
        deltas[index] = difference
      }
    }
    let anchorBytes = Packing.bytes(anchors.count, plan.anchorWidth)
    let prefix = AnchoredDelta.prefixBytes
    let body = unsafe sink.extend(
      by: prefix + anchorBytes + Packing.bytes(count, plan.width))
    unsafe body.storeBytes(of: plan.leastDelta, as: Int64.self)
    unsafe body.storeBytes(of: UInt8(plan.anchorWidth), toByteOffset: 8, as: UInt8.self)
    unsafe pack(anchors, base: plan.base, width: plan.anchorWidth, into: body + prefix)
    unsafe pack(
      deltas, base: plan.leastDelta, width: plan.width, into: body + prefix + anchorBytes)
    var lanesOnly = unsafe input
    unsafe lanesOnly.bits = nil
    unsafe appendPatches(positions, lanesOnly, header)
    return positions.count
  }

  @unsafe private func pack(
    _ numbers: [Int64], base: Int64, width: Int, into target: UnsafeMutableRawPointer
  ) {
    unsafe numbers.withUnsafeBufferPointer { numbers in
      guard let start = numbers.baseAddress else { return }
      unsafe Packing.pack(start, numbers.count, base: base, width: width, into: target)
    }
  }
}
