/// How a column keeps its nulls.
package enum ValidityMode: UInt8, Sendable, Hashable {
  /// Nothing is null.
  case none = 0
  /// Everything is null, and no values are stored.
  case allNull = 1
  /// A bitmap; nulls keep their slots among the values.
  case bitmap = 2
  /// A bitmap and ranks; only values that are there are stored.
  case sparse = 3

  /// Written out, so that other modules' loops compare in line instead of calling.
  @inlinable package static func == (a: ValidityMode, b: ValidityMode) -> Bool {
    switch (a, b) {
    case (.none, .none), (.allNull, .allNull), (.bitmap, .bitmap), (.sparse, .sparse): true
    default: false
    }
  }
}

/// Which rows of a column are valid, and where their values lie; plain pointers for hot loops.
///
/// Valid while the segment it came from lives.
@safe package struct ValidityView: @unchecked Sendable {
  /// How nulls are kept.
  package let mode: ValidityMode
  /// Bits, 1 = valid, least significant first, in whole words; one word of ones in mode `none`.
  package let words: UnsafePointer<UInt64>
  /// For each 512 rows, how many are valid before them; in mode `sparse` only.
  package let ranks: UnsafePointer<UInt32>

  package init(
    mode: ValidityMode, words: UnsafePointer<UInt64>, ranks: UnsafePointer<UInt32>
  ) {
    self.mode = mode
    unsafe self.words = words
    unsafe self.ranks = ranks
  }

  /// Whether a value is there.
  @inlinable @unsafe package func isValid(_ row: Int) -> Bool {
    switch mode {
    case .none: true
    case .allNull: false
    case .bitmap, .sparse: unsafe words[row &>> 6] &>> UInt64(row & 63) & 1 == 1
    }
  }

  /// Where the value of a valid row lies among the stored values.
  @inlinable @unsafe package func slot(of row: Int) -> Int {
    mode == .sparse ? unsafe rank(row) : row
  }

  /// How many rows before one are valid, in mode `sparse`.
  @inlinable @unsafe package func rank(_ row: Int) -> Int {
    var rank = unsafe Int(ranks[row &>> 9])
    var word = (row &>> 9) &* 8
    let last = row &>> 6
    while word < last {
      rank &+= unsafe words[word].nonzeroBitCount
      word &+= 1
    }
    let below = ((1 as UInt64) &<< UInt64(row & 63)) &- 1
    return unsafe rank &+ (words[last] & below).nonzeroBitCount
  }
}
