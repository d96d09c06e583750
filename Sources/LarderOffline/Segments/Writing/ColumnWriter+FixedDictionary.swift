import LarderColumns
import LarderEncodings

/// Numbers distinct 64-bit values in order of first appearance.
struct FixedDictionary {
  private(set) var values: [UInt64] = []
  private(set) var counts: [Int32] = []
  private(set) var codes: [Int32] = []
  private var table = [UInt32](repeating: 0, count: 1_024)
  private var shift: UInt64 = 54

  /// Steps that a search takes at most.
  ///
  /// At half full a hundred are next to impossible by chance, but values can be chosen so that all of
  /// them collide, and would take steps without end.
  private static let steps = 256

  /// Adds a value and its use; false if it is new and there are `limit` already, or if it takes too
  /// many steps to find.
  mutating func add(_ value: UInt64, limit: Int) -> Bool {
    let mask = table.count - 1
    var index = Int(truncatingIfNeeded: (value &* 0x9E37_79B9_7F4A_7C15) >> shift)
    var steps = 0
    while table[index] != 0 {
      let entry = Int(table[index]) - 1
      if values[entry] == value {
        counts[entry] &+= 1
        codes.append(Int32(truncatingIfNeeded: entry))
        return true
      }
      index = (index + 1) & mask
      steps &+= 1
      if steps > Self.steps { return false }
    }
    guard values.count < limit else { return false }
    values.append(value)
    counts.append(1)
    codes.append(Int32(truncatingIfNeeded: values.count - 1))
    table[index] = UInt32(values.count)
    if values.count * 2 > table.count { grow() }
    return true
  }

  private mutating func grow() {
    shift -= 1
    table = [UInt32](repeating: 0, count: table.count * 2)
    let mask = table.count - 1
    for (entry, value) in values.enumerated() {
      var index = Int(truncatingIfNeeded: (value &* 0x9E37_79B9_7F4A_7C15) >> shift)
      while table[index] != 0 { index = (index + 1) & mask }
      table[index] = UInt32(entry + 1)
    }
  }

  /// Entries by falling use, then first appearance: small codes for what is frequent.
  func order() -> [Int] {
    values.indices.sorted { (counts[$1], $0) < (counts[$0], $1) }
  }
}

extension ColumnWriter {
  /// Slots looked at before a dictionary of fixed-width values is tried.
  private static var sampleSlots: Int { 1_024 }

  /// The distinct values of the column, where codes into them are smaller than the values.
  func fixedDictionary() -> FixedDictionary? {
    guard column.type != .bool, record.role == .feature || record.role == .elements,
      slots.count >= 4 * Self.sampleSlots, let plain = sampleBytes()
    else { return nil }
    let limit = min(1 << 16, slots.count / 16)
    var dictionary = FixedDictionary()
    let scratch = Buffer(uninitializedBytes: Limits.pageRows * 8)
    let lanes = unsafe scratch.base.assumingMemoryBound(to: Int64.self)
    var slot = 0
    while slot < slots.count {
      let range = slot..<min(slots.count, slot + Limits.pageRows)
      unsafe fillValues(range, lanes)
      for slot in range {
        let value = unsafe lanes[slot - range.lowerBound]
        // A null's slot has a value of no meaning, which must not enter the dictionary.
        let isNull = slots.mode == .bitmap && !slots.isValid(slot)
        let stored = isNull ? Int64(bitPattern: dictionary.values.first ?? 0) : value
        guard dictionary.add(UInt64(bitPattern: stored), limit: limit) else { return nil }
      }
      slot = range.upperBound
    }
    let width = Packing.width(of: UInt64(max(1, dictionary.values.count) - 1))
    let bytes = slots.count * width / 8 + dictionary.values.count * 8
    return Double(bytes) < plain * Double(slots.count) * 0.9 ? dictionary : nil
  }

  /// Bytes of a value without a dictionary, judged by 16 contiguous runs of 64; nil if there are
  /// too many distinct values among them for a dictionary.
  private func sampleBytes() -> Double? {
    let sample = Buffer(uninitializedBytes: Self.sampleSlots * 8)
    let lanes = unsafe sample.base.assumingMemoryBound(to: Int64.self)
    let stride = (slots.count - 64) / 15
    for run in 0..<16 {
      let start = run * stride
      unsafe fillValues(start..<start + 64, lanes + run * 64)
    }
    var distinct = Set<Int64>()
    for index in 0..<Self.sampleSlots { unsafe distinct.insert(lanes[index]) }
    guard distinct.count <= Self.sampleSlots * 7 / 10 else { return nil }
    let options = LaneOptions(allowsDelta: true)
    var encoder = VectorEncoder(options)
    if column.type == .float64 || column.type == .float32 {
      let floats = FloatEncoder(isSingle: column.type == .float32)
      let exponent = unsafe floats.exponent(lanes, Self.sampleSlots)
      unsafe floats.append(
        lanes, Self.sampleSlots, exponent: exponent, restarts: nil, options: options, to: &encoder)
    } else {
      unsafe encoder.append(VectorInput(lanes: lanes, count: Self.sampleSlots))
    }
    let plain = Double(encoder.position) / Double(Self.sampleSlots)
    let codeBits = Packing.width(of: UInt64(max(1, distinct.count) - 1))
    // The whole column has more distinct values than the sample: a bit more is allowed for.
    return Double(codeBits + 1) / 8 < plain * 0.95 ? plain : nil
  }

  /// Writes the distinct values and a code for each slot.
  mutating func writeFixedDictionary(_ dictionary: FixedDictionary) throws(LarderError) {
    let order = dictionary.order()
    var rank = [Int64](repeating: 0, count: order.count)
    var sorted: [UInt64] = []
    for (position, entry) in order.enumerated() {
      rank[entry] = Int64(position)
      sorted.append(dictionary.values[entry])
    }
    for slot in 0..<slots.count {
      let row = slots.row(ofSlot: slot)
      guard slots.isValid(row) else { continue }
      record.content.add(dictionary.values[Int(dictionary.codes[slot])], row: rowHash(row))
    }
    record.encoding = .fixedDictionary
    record.dictionaryCount = sorted.count
    let content = ByteSink()
    content.append(sorted)
    record.dictionaryValues = try sink.writeSection(.dictionaryValues, column: record.key, content)
    let slots = self.slots
    let type = column.type
    unsafe try writeLanes(slots.count) { range in
      var page = PageRecord()
      for slot in range where slots.isValid(slots.row(ofSlot: slot)) {
        let value = Int64(bitPattern: dictionary.values[Int(dictionary.codes[slot])])
        let image = Self.image(value, type)
        page.least = min(page.least, image)
        page.greatest = max(page.greatest, image)
      }
      return page
    } fill: { range, lanes in
      for slot in range {
        unsafe lanes[slot - range.lowerBound] = rank[Int(dictionary.codes[slot])]
      }
    }
  }
}
