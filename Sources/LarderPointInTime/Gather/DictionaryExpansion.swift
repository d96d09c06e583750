import LarderColumns
import LarderFiles
import Synchronization

extension Column {
  /// Rows that one thread expands at a time.
  private static let expandedTogether = 65_536

  /// A dictionary column's values as plain text or bytes: first the lengths, then the bytes.
  ///
  /// - Parameter threads: how many work on it.
  /// - Throws: `limitExceeded` if they have 2 GiB or more.
  func expanded(threads: Int = 1) throws(LarderError) -> Column {
    guard let dictionary else { return self }
    let offsets = Buffer(uninitializedBytes: (count + 1) * 4)
    let target = Lanes<Int32>(offsets)
    let parts = max(1, (count + Self.expandedTogether - 1) / Self.expandedTogether)
    let sumBuffer = Buffer(zeroedBytes: (parts + 1) * 8)
    let sums = Lanes<Int>(sumBuffer)
    // Each part's offsets count from its own start at first.
    inParts(parts, threads) { part, rows in
      sums[part + 1] = lengths(of: rows, dictionary, into: target)
    }
    for part in 0..<parts { sums[part + 1] += sums[part] }
    let total = sums[parts]
    guard total <= Limits.columnBytes else {
      throw LarderError(
        .limitExceeded,
        "A column of the result has 2 GiB or more; take the result batch by batch.")
    }
    target[count] = Int32(truncatingIfNeeded: total)
    let bytes = Buffer(uninitializedBytes: total)
    inParts(parts, threads) { part, rows in
      copyBytes(of: rows, dictionary, from: sums[part], target, into: bytes)
    }
    withExtendedLifetime(sumBuffer) {}
    return Column(
      type: type, count: count, nullCount: nullCount, validity: validity, offset: 0,
      values: offsets, bytes: bytes)
  }

  /// Calls a closure for each part of the rows, on some threads.
  private func inParts(
    _ parts: Int, _ threads: Int,
    _ body: @escaping @Sendable (_ part: Int, _ rows: Range<Int>) -> Void
  ) {
    let next = Atomic<Int>(0)
    let work: @Sendable (Int) -> Void = { _ in
      while true {
        let part = next.add(1, ordering: .relaxed).oldValue
        guard part < parts else { return }
        let start = part * Self.expandedTogether
        body(part, start..<min(self.count, start + Self.expandedTogether))
      }
    }
    if threads == 1 || parts == 1 { return work(0) }
    concurrently(min(threads, parts), work)
  }

  /// Writes where each row's bytes start within a part.
  ///
  /// - Returns: the part's bytes.
  private func lengths(
    of rows: Range<Int>, _ dictionary: Column, into target: Lanes<Int32>
  ) -> Int {
    let codes = unsafe fixedValues(as: Int32.self)
    let words = unsafe dictionary.offsets
    var total = 0
    for row in rows {
      target[row] = Int32(truncatingIfNeeded: total)
      guard nullCount == 0 || isValid(row) else { continue }
      let code = unsafe Int(codes[row])
      total &+= unsafe Int(words[code + 1] &- words[code])
    }
    return total
  }

  /// Turns a part's offsets into those of the column, and copies its bytes.
  private func copyBytes(
    of rows: Range<Int>, _ dictionary: Column, from start: Int, _ target: Lanes<Int32>,
    into bytes: Buffer
  ) {
    let codes = unsafe fixedValues(as: Int32.self)
    let words = unsafe dictionary.offsets
    for row in rows {
      let place = start &+ Int(target[row])
      target[row] = Int32(truncatingIfNeeded: place)
      guard nullCount == 0 || isValid(row), let source = dictionary.bytes else { continue }
      let code = unsafe Int(codes[row])
      let first = unsafe Int(words[code])
      let length = unsafe Int(words[code + 1]) &- first
      guard length > 0 else { continue }
      unsafe (bytes.base + place).copyMemory(from: source.base + first, byteCount: length)
    }
  }
}
