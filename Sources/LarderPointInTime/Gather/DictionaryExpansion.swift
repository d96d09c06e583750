import LarderColumns

extension Column {
  /// A dictionary column's values as plain text or bytes: first the lengths, then the bytes.
  ///
  /// - Throws: `limitExceeded` if they have 2 GiB or more.
  func expanded() throws(LarderError) -> Column {
    guard let dictionary else { return self }
    let codes = unsafe fixedValues(as: Int32.self)
    let words = unsafe dictionary.offsets
    let offsets = Buffer(uninitializedBytes: (count + 1) * 4)
    let target = Lanes<Int32>(offsets)
    var total = 0
    for row in 0..<count {
      target[row] = Int32(truncatingIfNeeded: total)
      guard nullCount == 0 || isValid(row) else { continue }
      let code = unsafe Int(codes[row])
      total += unsafe Int(words[code + 1] &- words[code])
      guard total <= Limits.columnBytes else {
        throw LarderError(
          .limitExceeded,
          "A column of the result has 2 GiB or more; take the result batch by batch.")
      }
    }
    target[count] = Int32(truncatingIfNeeded: total)
    let bytes = Buffer(uninitializedBytes: total)
    if let source = dictionary.bytes {
      for row in 0..<count {
        let start = Int(target[row])
        let length = Int(target[row + 1]) - start
        guard length > 0 else { continue }
        let code = unsafe Int(codes[row])
        unsafe (bytes.base + start).copyMemory(
          from: source.base + Int(words[code]), byteCount: length)
      }
    }
    return Column(
      type: type, count: count, nullCount: nullCount, validity: validity, offset: 0,
      values: offsets, bytes: bytes)
  }
}
