import CLarderKernels
import LarderColumns
import LarderEncodings
import LarderOffline

/// Gathers the texts or bytes of one feature.
struct TextGather {
  /// For each segment the column; nil if the segment was written without it.
  let columns: [SegmentColumn?]
  /// Where the values lie, unless some are compressed.
  let extents: ExtentSources?

  init(_ columns: [SegmentColumn?]) {
    self.columns = columns
    let areCompressed = columns.contains { $0?.encoding == .blocks }
    extents = areCompressed ? nil : ExtentSources(columns)
  }
}

/// Bytes that grow at their end.
struct ByteRun {
  private(set) var buffer = Buffer(uninitializedBytes: 256)
  private(set) var count = 0

  /// Appends bytes.
  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress, bytes.count > 0 else { return }
    unsafe grow(by: bytes.count).copyMemory(from: source, byteCount: bytes.count)
  }

  /// Makes room at the end.
  ///
  /// - Returns: the room, to be filled before anything else is done.
  mutating func grow(by bytes: Int) -> UnsafeMutableRawPointer {
    let start = count
    if start + bytes > buffer.count {
      let larger = Buffer(uninitializedBytes: max(buffer.count * 2, start + bytes))
      unsafe larger.base.copyMemory(from: buffer.base, byteCount: start)
      buffer = larger
    }
    count += bytes
    return unsafe buffer.base + start
  }

  /// Gives room at the end back.
  mutating func shrink(by bytes: Int) { count -= bytes }
}

/// Reads texts and bytes of any encoding, one row at a time.
///
/// Fixed-width values, which the elements of lists may be, are decoded a vector at a time, and the
/// last vector of each segment is kept.
struct TextReader {
  private var decoded: [Int: (vector: Int, column: Column)] = [:]
  private var text = Buffer(uninitializedBytes: 1_024)

  /// Calls a closure with a row's bytes; does nothing for a null.
  ///
  /// - Parameters:
  ///   - column: a column of text, bytes or opaque values.
  ///   - ordinal: tells columns apart.
  /// - Returns: whether the row is valid.
  /// - Throws: `corrupt` if a page is damaged.
  mutating func read(
    _ column: SegmentColumn, _ ordinal: Int, _ row: Int, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(LarderError) -> Bool {
    guard unsafe column.validity.isValid(row) else { return false }
    switch column.encoding {
    case .dictionary:
      try column.ensureVerified(rows: row..<row + 1)
      guard let dictionary = column.dictionary else { return false }
      let code = unsafe Int(column.lanes.lane(at: column.validity.slot(of: row)))
      unsafe body(dictionary.value(of: code))
    case .plain:
      try column.ensureVerified(rows: row..<row + 1)
      guard let bytes = unsafe column.plainBytes else { return false }
      let slot = unsafe column.validity.slot(of: row)
      let start = unsafe Int(column.lanes.lane(at: slot))
      let end = unsafe Int(column.lanes.lane(at: slot + 1))
      unsafe body(UnsafeRawBufferPointer(start: bytes + start, count: end - start))
    case .symbols:
      try column.ensureVerified(rows: row..<row + 1)
      guard let bytes = unsafe column.plainBytes, let symbols = column.symbols else { return false }
      let slot = unsafe column.validity.slot(of: row)
      let start = unsafe Int(column.lanes.lane(at: slot))
      let end = unsafe Int(column.lanes.lane(at: slot + 1))
      let codes = unsafe UnsafeRawBufferPointer(start: bytes + start, count: end - start)
      let most = SymbolTable.most(of: codes.count)
      if text.count < most { text = Buffer(uninitializedBytes: most * 2) }
      let length = unsafe symbols.decode(codes, into: text.base, count: most)
      unsafe body(UnsafeRawBufferPointer(start: text.base, count: length))
    default:
      let vector = row >> 10
      let known = decoded[ordinal]
      let values: Column
      if let known, known.vector == vector {
        values = known.column
      } else {
        let rows = vector << 10..<min(column.rows, (vector + 1) << 10)
        values = try column.decode(rows: rows)
        decoded[ordinal] = (vector, values)
      }
      unsafe body(values.variableBytes(row & 1_023))
    }
    return true
  }
}
