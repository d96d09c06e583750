import LarderColumns

extension KeyBatch {
  /// The keys of tails of a schema, one for each row.
  package init(tails: [[UInt8]], of schema: KeySchema) {
    let bytes = tails.flatMap(\.self)
    let values = Buffer(zeroedBytes: bytes.count + 8)
    unsafe bytes.withUnsafeBytes { source in
      if let start = source.baseAddress {
        unsafe values.base.copyMemory(from: start, byteCount: source.count)
      }
    }
    let offsets = Buffer(zeroedBytes: (tails.count + 1) * 4)
    let places = unsafe offsets.base.assumingMemoryBound(to: Int32.self)
    for (row, tail) in tails.enumerated() {
      unsafe places[row + 1] = places[row] + Int32(tail.count)
    }
    unsafe self.init(
      schema: schema, count: tails.count,
      base: UnsafePointer(values.base.assumingMemoryBound(to: UInt8.self)),
      offsets: schema.stride == nil ? UnsafePointer(places) : nil, marks: nil,
      owners: [values, offsets])
  }
}
