import LarderColumns
import LarderContract

/// Random numbers of a seed: Steele, Lea and Flood's SplitMix64.
struct KeySampler {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
    return word ^ word >> 31
  }
}

/// So many of the keys that come by, each with the same chance: Vitter's algorithm R.
struct KeyReservoir {
  private let keys: [JoinKey]
  private let places: Int
  private var chosen: [[Value]] = []
  private var seen: UInt64 = 0

  /// - Parameter places: how many keys to keep; nil to keep none.
  init(_ view: FeatureView, places: Int?) {
    keys = view.isEntityless ? [] : view.joinKeys
    self.places = places ?? 0
  }

  /// Looks at the keys of a batch.
  mutating func offer(_ batch: RecordBatch, _ random: inout KeySampler) {
    guard places > 0 else { return }
    let columns = keys.compactMap { batch[$0.name] }
    for row in 0..<batch.count {
      seen += 1
      if chosen.count < places {
        chosen.append(columns.map { $0[row] })
        continue
      }
      let place = random.next() % seen
      if place < UInt64(places) { chosen[Int(place)] = columns.map { $0[row] } }
    }
  }

  /// What was kept, in batches.
  func batches() throws(LarderError) -> [RecordBatch] {
    var batches: [RecordBatch] = []
    let schema = Schema(keys.map { ColumnField($0.name, $0.type.dataType) })
    var start = 0
    while start < chosen.count {
      let piece = chosen[start..<min(start + 8_192, chosen.count)]
      var columns: [Column] = []
      for (position, key) in keys.enumerated() {
        columns.append(try .of(key.type.dataType, piece.map { $0[position] }))
      }
      batches.append(RecordBatch(unchecked: schema, columns: columns, count: piece.count))
      start += piece.count
    }
    return batches
  }
}
