import LarderColumns

/// Collects which rows of a batch have no key, and refuses them on write.
@safe struct KeyMarks {
  /// The rows of the caller's columns that the batch covers.
  let rows: Range<Int>
  let use: KeyUse
  /// One `KeyMark` per row, made at the first that is not `key`.
  private(set) var buffer: Buffer?

  init(rows: Range<Int>, use: KeyUse) {
    self.rows = rows
    self.use = use
  }

  /// Marks a row of the batch; a null stays a null.
  mutating func set(_ row: Int, _ mark: KeyMark) {
    let buffer = self.buffer ?? Buffer(zeroedBytes: rows.count)
    self.buffer = buffer
    let target = unsafe buffer.base.assumingMemoryBound(to: UInt8.self)
    if unsafe target[row] != KeyMark.null.rawValue { unsafe target[row] = mark.rawValue }
  }

  /// Takes note of a null.
  ///
  /// - Throws: `invalidInput` on write.
  mutating func null(_ row: Int, in name: String) throws(LarderError) {
    if use == .write {
      throw LarderError(
        .invalidInput, "The join key is null; every row that is written needs a value.",
        column: name, row: rows.lowerBound + row)
    }
    set(row, .null)
  }

  /// Takes note of a value that the key's type cannot hold.
  ///
  /// - Throws: `invalidInput` on write.
  mutating func outOfRange(
    _ row: Int, _ value: String, _ type: KeyType, in name: String
  ) throws(LarderError) {
    if use == .write {
      throw LarderError(
        .invalidInput, "The join key is \(value), which is out of the range of \(type).",
        column: name, row: rows.lowerBound + row)
    }
    set(row, .outOfRange)
  }
}

/// One join key's values in the form they have in tails.
@safe struct KeyPart {
  /// The first row's value, or what the offsets point into.
  let base: UnsafePointer<UInt8>
  /// One more than there are rows; nil for fixed widths.
  let offsets: UnsafePointer<Int32>?
  /// Bytes of a value of fixed width, else 0.
  let width: Int
  let owners: [Buffer]
}
