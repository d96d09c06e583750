import LarderColumns
import Synchronization

/// A column of the result while its chunks are filled in, each by one worker.
@safe final class OutputColumn: @unchecked Sendable {
  /// The type of its values.
  let type: DataType
  /// How many rows it will have.
  let rows: Int
  /// Fixed-width values, bits in whole words, codes, or for texts and lists the lengths (Int32).
  let values: Buffer
  /// A bit for each row, in whole words; all zero at first.
  let validity: Buffer
  /// The distinct values if `values` are codes.
  let dictionary: Column?
  private let budget: MemoryBudget
  private let growth = Atomic<Int>(0)
  private let texts = ForkSafeMutex<[Int: ByteRun]>([:])
  private let elements = ForkSafeMutex<[Int: ElementRun]>([:])

  /// Makes room for rows.
  ///
  /// - Parameter budget: what texts and lists are counted against; fixed parts are counted before.
  init(
    _ type: DataType, rows: Int, dictionary: Column? = nil,
    budget: MemoryBudget = MemoryBudget(limit: nil, fixed: 0)
  ) {
    self.type = type
    self.budget = budget
    self.rows = rows
    self.dictionary = dictionary
    values = Buffer(
      uninitializedBytes: OutputColumn.valueBytes(type, rows, isCoded: dictionary != nil))
    validity = Buffer(uninitializedBytes: (rows + 63) / 64 * 8)
  }

  /// Whether `values` are bits.
  var isBits: Bool { dictionary == nil && type.layout == .bits }

  /// Bytes of a value, or of its code or length.
  var width: Int { OutputColumn.width(type, isCoded: dictionary != nil) }

  private static func width(_ type: DataType, isCoded: Bool) -> Int {
    if !isCoded, case .fixed(let own) = type.layout { return own }
    return 4
  }

  /// Bytes of the values of some rows, or of their codes or lengths.
  static func valueBytes(_ type: DataType, _ rows: Int, isCoded: Bool) -> Int {
    let width = width(type, isCoded: isCoded)
    switch type.layout {
    case .bits where !isCoded: return (rows + 63) / 64 * 8
    // Lengths become offsets, of which there is one more.
    case .variable where !isCoded, .list where !isCoded: return (rows + 1) * width
    default: return rows * width
    }
  }

  /// Zeroes the part of a chunk and returns it.
  ///
  /// - Parameter rows: the chunk's rows; the first is a multiple of 64.
  func open(_ rows: Range<Int>) -> (values: Lanes<UInt8>, validity: Lanes<UInt64>) {
    let words = (rows.count + 63) / 64
    let valid = Lanes<UInt64>(validity, from: rows.lowerBound / 64)
    valid.fill(0, words)
    let part: Lanes<UInt8>
    let bytes: Int
    if isBits {
      part = Lanes<UInt8>(values, from: rows.lowerBound / 8)
      bytes = words * 8
    } else {
      part = Lanes<UInt8>(values, from: rows.lowerBound * width)
      bytes = rows.count * width
    }
    part.fill(0, bytes)
    return (part, valid)
  }

  /// Keeps the texts of a chunk.
  func add(_ run: ByteRun, chunk: Int) {
    growth.add(run.count, ordering: .relaxed)
    if budget.take(run.count) { texts.withLock { $0[chunk] = run } }
  }

  /// Keeps the list elements of a chunk.
  func add(_ run: ElementRun, chunk: Int) {
    growth.add(run.size, ordering: .relaxed)
    if budget.take(run.size) { elements.withLock { $0[chunk] = run } }
  }

  /// Bytes that `finish` will take on top, and for codes what their expansion will take.
  func finishingBytes(expands: Bool) -> Int {
    guard let dictionary else { return growth.load(ordering: .relaxed) }
    guard expands else { return 0 }
    let words = unsafe dictionary.offsets
    let codes = Lanes<Int32>(values)
    let valid = Lanes<UInt64>(validity)
    var total = (rows + 1) * 4
    for row in 0..<rows where valid[row >> 6] >> UInt64(row & 63) & 1 == 1 {
      let code = Int(codes[row])
      total += unsafe Int(words[code + 1] &- words[code])
    }
    return total
  }

  /// The finished column.
  ///
  /// - Parameter chunks: how many chunks there were.
  /// - Throws: `limitExceeded` if texts have 2 GiB, or lists 2^31 elements, or more.
  func finish(chunks: Int) throws(LarderError) -> Column {
    let nulls = rows - countOnes(Lanes<UInt64>(validity), (rows + 63) / 64)
    if let dictionary {
      return Column(
        type: type, count: rows, nullCount: nulls, validity: validity, values: values,
        child: dictionary, isDictionary: true)
    }
    switch type.layout {
    case .bits, .fixed:
      return Column(type: type, count: rows, nullCount: nulls, validity: validity, values: values)
    case .variable:
      try sumLengths()
      let bytes = joinTexts(chunks, texts.withLock { $0 })
      return Column(
        type: type, count: rows, nullCount: nulls, validity: validity, values: values,
        bytes: bytes)
    case .list:
      try sumLengths()
      let child = try OutputColumn.joined(
        type.element ?? .bytes, elements.withLock { $0 }.sorted { $0.key < $1.key }.map(\.value))
      return Column(
        type: type, count: rows, nullCount: nulls, validity: validity, values: values,
        child: child)
    }
  }

  /// Turns lengths into offsets.
  private func sumLengths() throws(LarderError) {
    let lanes = Lanes<Int32>(values)
    var sum = 0
    for row in 0..<rows {
      let length = Int(lanes[row])
      lanes[row] = Int32(truncatingIfNeeded: sum)
      sum += length
      guard sum <= Limits.columnBytes else {
        throw LarderError(
          .limitExceeded,
          "A column of the result has 2 GiB or more; take the result batch by batch.")
      }
    }
    lanes[rows] = Int32(truncatingIfNeeded: sum)
  }
}

/// Counts set bits in words.
func countOnes(_ words: Lanes<UInt64>, _ count: Int) -> Int {
  var ones = 0
  for word in 0..<count { ones &+= words[word].nonzeroBitCount }
  return ones
}

private func joinTexts(_ chunks: Int, _ runs: [Int: ByteRun]) -> Buffer {
  let total = runs.values.reduce(0) { $0 + $1.count }
  let bytes = Buffer(uninitializedBytes: total)
  var end = 0
  for chunk in 0..<chunks {
    guard let run = runs[chunk] else { continue }
    unsafe (bytes.base + end).copyMemory(from: run.buffer.base, byteCount: run.count)
    end += run.count
  }
  return bytes
}
