/// Chooses a codec for each vector and appends its header and body.
package struct VectorEncoder {
  /// The headers so far.
  package private(set) var headers: [VectorHeader] = []
  /// What occurs in them.
  package private(set) var traits: LaneTraits = []
  /// The bodies since the sink was last emptied.
  package let sink: ByteSink
  /// Bytes of bodies before the sink's first.
  private var flushed = 0

  /// Makes an encoder that appends bodies to a sink of its own.
  package init() { sink = ByteSink(capacity: 1 << 16) }

  /// Where the next body starts, in bytes from the start of the column's bodies.
  package var position: Int { flushed + sink.count }

  /// Forgets the bodies appended so far, which the caller has written.
  package mutating func didFlush() {
    flushed += sink.count
    sink.removeAll()
  }

  /// Appends one vector.
  ///
  /// - Parameters:
  ///   - lanes: 1 to 1,024 lanes.
  ///   - flags: `decimal` or `single`, or nothing.
  ///   - exponent: of decimals.
  @unsafe package mutating func append(
    _ lanes: UnsafePointer<Int64>, _ count: Int, flags: VectorKind = [], exponent: Int = 0
  ) {
    var least = unsafe lanes[0]
    var greatest = least
    for i in 1..<max(1, count) {
      least = unsafe min(least, lanes[i])
      greatest = unsafe max(greatest, lanes[i])
    }
    let width = Packing.width(of: UInt64(bitPattern: greatest &- least))
    let base = width == 64 ? 0 : least
    let header = VectorHeader(
      base: base, offset: UInt32(truncatingIfNeeded: position >> 3), width: UInt8(width),
      kind: flags, aux: UInt16(exponent << 11))
    let body = unsafe sink.extend(by: Packing.bytes(count, width))
    unsafe Packing.pack(lanes, count, base: base, width: width, into: body)
    headers.append(header)
    traits.formUnion(LaneTraits(header.kind))
  }
}
