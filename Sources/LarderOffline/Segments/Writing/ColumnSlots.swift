import Glibc
import LarderColumns
import LarderEncodings

/// Which rows of a column have a stored slot, and its validity as whole words.
struct ColumnSlots {
  let mode: ValidityMode
  /// Bits, 1 = valid, zero past the last row; empty in modes `none` and `allNull`.
  let words: [UInt64]
  /// The rows of the stored values, in mode `sparse`.
  let rows: [Int32]
  /// How many slots there are.
  let count: Int
  /// How many rows there are.
  let rowCount: Int

  /// Chooses how nulls are kept: slots up to one half, ranks beyond.
  init(_ column: Column) {
    rowCount = column.count
    if column.nullCount == 0 {
      mode = .none
    } else if column.nullCount == column.count {
      mode = .allNull
    } else {
      mode = column.nullCount * 2 <= column.count ? .bitmap : .sparse
    }
    guard mode == .bitmap || mode == .sparse else {
      words = []
      rows = []
      count = mode == .none ? column.count : 0
      return
    }
    let words = Self.words(of: column)
    self.words = words
    guard mode == .sparse else {
      rows = []
      count = column.count
      return
    }
    var rows: [Int32] = []
    rows.reserveCapacity(column.count - column.nullCount)
    for (index, word) in words.enumerated() {
      var left = word
      while left != 0 {
        rows.append(Int32(index * 64 + left.trailingZeroBitCount))
        left &= left &- 1
      }
    }
    self.rows = rows
    count = rows.count
  }

  /// The row of a slot.
  @inline(__always) func row(ofSlot slot: Int) -> Int { mode == .sparse ? Int(rows[slot]) : slot }

  /// Whether a row is valid.
  @inline(__always) func isValid(_ row: Int) -> Bool {
    switch mode {
    case .none: true
    case .allNull: false
    case .bitmap, .sparse: words[row >> 6] >> UInt64(row & 63) & 1 == 1
    }
  }

  /// The validity bits of a column from its row 0 on, in whole words.
  static func words(of column: Column) -> [UInt64] {
    let count = (column.count + 63) / 64
    var words = [UInt64](repeating: 0, count: count)
    guard let validity = column.validity else {
      for row in 0..<column.count { words[row >> 6] |= 1 << UInt64(row & 63) }
      return words
    }
    if column.offset & 7 == 0 {
      let bytes = (column.count + 7) / 8
      unsafe words.withUnsafeMutableBytes { target in
        if let to = target.baseAddress {
          unsafe memcpy(to, validity.base + column.offset >> 3, bytes)
        }
      }
    } else {
      for row in 0..<column.count where column.isValid(row) {
        words[row >> 6] |= 1 << UInt64(row & 63)
      }
    }
    if column.count & 63 != 0 { words[count - 1] &= 1 << UInt64(column.count & 63) &- 1 }
    return words
  }

  /// The ranks of mode `sparse`: valid rows before each 512.
  var ranks: [UInt32] {
    var ranks: [UInt32] = []
    var rank: UInt32 = 0
    for (index, word) in words.enumerated() {
      if index % (SegmentLayout.rankRows / 64) == 0 { ranks.append(rank) }
      rank += UInt32(word.nonzeroBitCount)
    }
    return ranks
  }
}
