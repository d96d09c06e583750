import LarderColumns

/// Numbers of rows that say the batch and the row within it.
///
/// Rows are counted through all batches while they are sorted. To be fetched they are *placed*:
/// batch << shift | row within it, which costs one pass and spares each column a search.
struct RowNumbering: Sendable {
  /// The first row of each batch, and the row count.
  let starts: [UInt32]
  let shift: UInt32
  /// Whether there are several batches whose places fit 32 bits.
  let isPlaced: Bool

  /// - Parameter counts: the rows of each batch.
  init(_ counts: [Int]) {
    var starts: [UInt32] = [0]
    var total: UInt32 = 0
    for count in counts {
      total += UInt32(count)
      starts.append(total)
    }
    self.starts = starts
    let most = max(1, counts.max() ?? 0)
    let bits = Int.bitWidth - (most - 1).leadingZeroBitCount
    shift = UInt32(bits)
    isPlaced = counts.count > 1 && bits < 32 && counts.count <= 1 << (32 - bits)
  }

  /// The batch of a row.
  ///
  /// - Complexity: O(log batches).
  func batch(of row: Int) -> Int {
    var low = 0
    var high = starts.count - 2
    while low < high {
      let middle = (low + high + 1) / 2
      if Int(starts[middle]) <= row { low = middle } else { high = middle - 1 }
    }
    return low
  }

  /// A table says where each 4,096th row lies: from there it is few batches to a row's own, unless
  /// the caller's are tiny.
  private static let tableBits: UInt32 = 12

  /// The places of rows.
  ///
  /// - Parameter rows: UInt32, counted through all batches.
  /// - Complexity: O(rows x log of the batches that 4,096 rows lie in).
  func place(_ rows: UnsafeBufferPointer<UInt32>, in scratch: ScratchMemory) -> Buffer {
    let total = Int(starts[starts.count - 1])
    let table = stride(from: 0, through: total, by: 1 << Int(Self.tableBits)).map {
      UInt32(batch(of: min($0, max(0, total - 1))))
    }
    let lastBatch = UInt32(starts.count - 2)
    let target = scratch.take(rows.count * 4)
    let places = unsafe target.mutableValues(as: UInt32.self)
    unsafe starts.withUnsafeBufferPointer { starts in
      unsafe table.withUnsafeBufferPointer { table in
        for index in 0..<rows.count {
          let row = unsafe rows[index]
          let entry = Int(row &>> Self.tableBits)
          var batch = unsafe table[entry]
          var last = unsafe entry &+ 1 < table.count ? table[entry &+ 1] : lastBatch
          while batch < last {
            let middle = batch &+ (last &- batch &+ 1) &>> 1
            if unsafe starts[Int(middle)] <= row { batch = middle } else { last = middle &- 1 }
          }
          unsafe places[index] = batch &<< shift | (row &- starts[Int(batch)])
        }
      }
    }
    return target
  }
}

/// Rows to be fetched from a source: how they are counted, and their places where it has batches.
struct RowPicks: Sendable {
  /// UInt32 per row, counted through all batches.
  let rows: Buffer
  /// UInt32 per row; nil if all columns are in one piece.
  let places: Buffer?
}

/// A column of rows in batches: in one piece, or as the batches have it.
struct BatchedColumn: Sendable {
  /// One, or one for each batch: of a fixed width and without a dictionary.
  let parts: [Column]
  let numbering: RowNumbering

  init(_ column: Column) {
    parts = [column]
    numbering = RowNumbering([column.count])
  }

  init(_ parts: [Column], _ numbering: RowNumbering) {
    self.parts = parts
    self.numbering = numbering
  }

  /// The values of some rows, in their order.
  func gathered(_ picks: RowPicks, in scratch: ScratchMemory) throws(LarderError) -> Column {
    guard parts.count > 1, let places = picks.places else {
      return try unsafe parts[0].gathered(picks.rows.values(as: UInt32.self), in: scratch)
    }
    let rows = unsafe places.values(as: UInt32.self)
    let type = parts[0].type
    let shift = numbering.shift
    let (validity, nulls) = unsafe gatheredValidity(rows)
    let target: Buffer
    switch type.layout {
    case .fixed(bytes: 4):
      target = scratch.take(rows.count * 4)
      let bases = unsafe parts.map { unsafe $0.fixedValues(as: UInt32.self).baseAddress }
      unsafe gather(bases, shift, rows, target.mutableValues(as: UInt32.self))
    case .fixed:
      target = scratch.take(rows.count * 8)
      let bases = unsafe parts.map { unsafe $0.fixedValues(as: UInt64.self).baseAddress }
      unsafe gather(bases, shift, rows, target.mutableValues(as: UInt64.self))
    case .bits:
      target = Buffer(zeroedBytes: (rows.count + 63) / 64 * 8)
      unsafe gatherBits(parts.map { .some(($0.values, $0.offset)) }, rows, target)
    case .variable, .list:
      throw LarderError(.unsupported, "Texts and lists are joined before they are fetched.")
    }
    return Column(
      type: type, count: rows.count, nullCount: nulls, validity: validity, values: target)
  }

  private func gatheredValidity(_ rows: UnsafeBufferPointer<UInt32>) -> (Buffer?, Int) {
    guard parts.contains(where: { $0.nullCount > 0 }) else { return (nil, 0) }
    let target = Buffer(zeroedBytes: (rows.count + 63) / 64 * 8)
    unsafe gatherBits(parts.map { part in part.validity.map { ($0, part.offset) } }, rows, target)
    let words = unsafe target.values(as: UInt64.self)
    let valid = unsafe words.reduce(0) { $0 + $1.nonzeroBitCount }
    return valid == rows.count ? (nil, 0) : (target, rows.count - valid)
  }

  /// Gathers bits; those of a part without bitmap are 1.
  private func gatherBits(
    _ maps: [(bits: Buffer, offset: Int)?], _ rows: UnsafeBufferPointer<UInt32>, _ target: Buffer
  ) {
    let mask = (1 as UInt32) &<< numbering.shift &- 1
    let bases = unsafe maps.map { unsafe $0?.bits.base.assumingMemoryBound(to: UInt8.self) }
    let offsets = maps.map { $0?.offset ?? 0 }
    let words = unsafe target.mutableValues(as: UInt64.self)
    unsafe bases.withUnsafeBufferPointer { bases in
      unsafe offsets.withUnsafeBufferPointer { offsets in
        for index in 0..<rows.count {
          let row = unsafe rows[index]
          let part = Int(row &>> numbering.shift)
          var bit: UInt64 = 1
          if let base = unsafe bases[part] {
            let place = unsafe Int(row & mask) &+ offsets[part]
            bit = unsafe UInt64(base[place &>> 3] &>> UInt8(place & 7) & 1)
          }
          unsafe words[index &>> 6] |= bit &<< UInt64(index & 63)
        }
      }
    }
    withExtendedLifetime(maps) {}
  }

  private func gather<T: BitwiseCopyable>(
    _ bases: [UnsafePointer<T>?], _ shift: UInt32, _ rows: UnsafeBufferPointer<UInt32>,
    _ target: UnsafeMutableBufferPointer<T>
  ) {
    let mask = (1 as UInt32) &<< shift &- 1
    guard let spare = target.baseAddress else { return }
    // A batch without rows may have no address, and no row asks for it.
    let starts = unsafe bases.map { unsafe $0 ?? UnsafePointer(spare) }
    unsafe starts.withUnsafeBufferPointer { starts in
      for index in 0..<rows.count {
        let row = unsafe rows[index]
        unsafe target[index] = starts[Int(row &>> shift)][Int(row & mask)]
      }
    }
  }
}
