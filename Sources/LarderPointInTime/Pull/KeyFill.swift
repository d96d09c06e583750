import Glibc
import LarderColumns
import LarderKeys

/// Fills the columns of join keys: each entity's as many times as it has rows.
struct KeyFill {
  let keys: KeyDirectory

  /// The columns, in the schema's order.
  ///
  /// - Parameters:
  ///   - runs: entities, and how many rows of each.
  ///   - rows: how many in all.
  /// - Throws: `corrupt` if the key log does not hold; `limitExceeded` if a column has 2 GiB or more.
  func read(
    _ runs: [KeyRun], rows: Int, _ memory: BatchMemory
  ) throws(LarderError) -> [Column] {
    let ids = Buffer(uninitializedBytes: runs.count * 4)
    let target = Lanes<UInt32>(ids)
    for (index, run) in runs.enumerated() { target[index] = run.id }
    let distinct = try unsafe keys.log.columns(of: ids.values(as: UInt32.self))
    var columns: [Column] = []
    for column in distinct { columns.append(try repeated(column, runs, rows, memory)) }
    return columns
  }

  private func repeated(
    _ column: Column, _ runs: [KeyRun], _ rows: Int, _ memory: BatchMemory
  ) throws(LarderError) -> Column {
    var validity: Buffer?
    var nulls = 0
    if column.nullCount > 0 {
      let bits = memory.takeZeroed((rows + 7) / 8)
      var place = 0
      for (index, run) in runs.enumerated() {
        if column.isValid(index) {
          setBits(Lanes<UInt64>(bits), place, Int(run.count))
        } else {
          nulls += Int(run.count)
        }
        place += Int(run.count)
      }
      validity = bits
    }
    let (values, bytes): (Buffer, Buffer?)
    switch column.type.layout {
    case .fixed(bytes: 8):
      (values, bytes) = (repeatFixed(column, of: UInt64.self, runs, rows, memory), nil)
    case .fixed: (values, bytes) = (repeatFixed(column, of: UInt32.self, runs, rows, memory), nil)
    default: (values, bytes) = try repeatTexts(column, runs, rows, memory)
    }
    return Column(
      type: column.type, count: rows, nullCount: nulls, validity: validity, values: values,
      bytes: bytes)
  }

  private func repeatFixed<Word: BitwiseCopyable>(
    _ column: Column, of type: Word.Type, _ runs: [KeyRun], _ rows: Int, _ memory: BatchMemory
  ) -> Buffer {
    let values = memory.take(rows * MemoryLayout<Word>.stride)
    let source = unsafe column.fixedValues(as: Word.self)
    var target = unsafe values.base.assumingMemoryBound(to: Word.self)
    for (index, run) in runs.enumerated() {
      unsafe target.update(repeating: source[index], count: Int(run.count))
      unsafe target += Int(run.count)
    }
    return values
  }

  private func repeatTexts(
    _ column: Column, _ runs: [KeyRun], _ rows: Int, _ memory: BatchMemory
  ) throws(LarderError) -> (Buffer, Buffer) {
    let offsets = memory.take((rows + 1) * 4)
    let ends = Lanes<UInt32>(offsets)
    ends[0] = 0
    var place = 0
    var total = 0
    for (index, run) in runs.enumerated() {
      let length = column.isValid(index) ? unsafe column.variableBytes(index).count : 0
      for _ in 0..<run.count {
        total += length
        place += 1
        ends[place] = UInt32(truncatingIfNeeded: total)
      }
      guard total <= Limits.columnBytes else {
        throw LarderError(
          .limitExceeded, "A column of one batch holds at most \(Limits.columnBytes) bytes.",
          row: place)
      }
    }
    let bytes = memory.take(total)
    var target = unsafe bytes.base
    for (index, run) in runs.enumerated() where column.isValid(index) {
      let text = unsafe column.variableBytes(index)
      guard let start = text.baseAddress else { continue }
      for _ in 0..<run.count {
        unsafe memcpy(target, start, text.count)
        unsafe target += text.count
      }
    }
    return (offsets, bytes)
  }
}
