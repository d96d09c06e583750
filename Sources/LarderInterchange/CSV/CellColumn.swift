import LarderColumns

/// A cell that could not be read: the chunk's record and why.
struct BadCell {
  var record: Int
  var flaw: CellFlaw
}

/// How the cells of a column are read.
struct CellRules {
  var type: DataType
  /// Whether a null is refused.
  var isRequired = false
  /// Whether integers beyond 64 bits are null: as keys of a query they are unknown keys.
  var hugeIntegersAreNull = false
  /// How times are written beside ISO 8601.
  var times = TimeReading()
  var nulls: [[UInt8]]
  /// Whether the spellings of null, and the empty cell, are null in quotes too, unless the type is
  /// text.
  var nullsMayBeQuoted = false
}

/// A column that grows by the cells of a chunk at a time, and can drop the last chunk again.
struct CellColumn {
  let rules: CellRules
  private(set) var count = 0
  private var nullCount = 0
  private var valid: [UInt8] = []
  private var words32: [UInt32] = []
  private var words64: [UInt64] = []
  private var bytes: [UInt8] = []
  private var flags: [UInt8] = []
  private var lists: ColumnBuilder?
  private var listMark: (count: Int, column: ColumnBuilder?)

  init(_ rules: CellRules) {
    self.rules = rules
    listMark = (0, nil)
    reset()
  }

  private mutating func reset() {
    count = 0
    nullCount = 0
    valid.removeAll(keepingCapacity: true)
    words32.removeAll(keepingCapacity: true)
    words64.removeAll(keepingCapacity: true)
    bytes.removeAll(keepingCapacity: true)
    flags.removeAll(keepingCapacity: true)
    if rules.type.layout == .variable { words32.append(0) }
    lists = rules.type.layout == .list ? ColumnBuilder(rules.type) : nil
  }

  /// Bytes of variable width so far.
  var variableBytes: Int { bytes.count }

  /// Appends the cells of a chunk; what cannot be read is null for now and reported.
  mutating func append(
    _ chunk: CSVChunk, cell: Int, window: Span<UInt8>, bad: inout [BadCell]
  ) {
    listMark = (count, lists)
    let times = rules.times
    let walk = CellWalk(chunk: chunk, cell: cell, rules: rules)
    switch rules.type {
    case .int64:
      walk.run(window, &words64, &valid, &bad, null: 0) { (cell) throws(CellFlaw) in
        UInt64(bitPattern: try IntegerCells.int64(cell))
      }
    case .int32:
      walk.run(window, &words32, &valid, &bad, null: 0) { (cell) throws(CellFlaw) in
        UInt32(bitPattern: try IntegerCells.int32(cell))
      }
    case .float64:
      walk.run(window, &words64, &valid, &bad, null: 0) { (cell) throws(CellFlaw) in
        try FloatCells.double(cell).bitPattern
      }
    case .float32:
      walk.run(window, &words32, &valid, &bad, null: 0) { (cell) throws(CellFlaw) in
        try FloatCells.float(cell).bitPattern
      }
    case .timestamp(let unit):
      walk.run(window, &words64, &valid, &bad, null: 0) { (cell) throws(CellFlaw) in
        UInt64(bitPattern: try TimeCells.ticks(cell, in: unit, by: times))
      }
    case .date:
      walk.run(window, &words32, &valid, &bad, null: 0) { (cell) throws(CellFlaw) in
        UInt32(bitPattern: try TimeCells.days(cell, by: times))
      }
    case .bool:
      walk.run(window, &flags, &valid, &bad, null: 0) { (cell) throws(CellFlaw) in
        try IntegerCells.bool(cell) ? 1 : 0
      }
    case .string, .json, .uuid, .decimal:
      walk.runVariable(window, &words32, &bytes, &valid, &bad) { (cell, bytes) throws(CellFlaw) in
        unsafe cell.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
      }
    case .bytes, .opaque:
      walk.runVariable(window, &words32, &bytes, &valid, &bad) { (cell, bytes) throws(CellFlaw) in
        try Base64.decode(cell, into: &bytes)
      }
    case .list(let element):
      var values: [[Value]] = []
      walk.run(window, &values, &valid, &bad, null: []) { (cell) throws(CellFlaw) in
        try ListCells.elements(cell, of: element, by: times)
      }
      append(lists: values, chunk: chunk.count)
    }
    count += chunk.count
    for index in count - chunk.count..<count where valid[index] == 0 { nullCount += 1 }
  }

  private mutating func append(lists values: [[Value]], chunk: Int) {
    for (index, elements) in values.enumerated() {
      guard valid[count + index] == 1 else {
        lists?.appendNull()
        continue
      }
      do throws(LarderError) { try lists?.append(.list(elements)) } catch {
        // The elements were made of the element type, so only a limit can refuse them.
        lists?.appendNull()
        valid[count + index] = 0
      }
    }
  }

  /// Forgets the records appended since there were `count`.
  mutating func truncate(to count: Int) {
    guard count < self.count else { return }
    for index in count..<self.count where valid[index] == 0 { nullCount -= 1 }
    valid.removeLast(self.count - count)
    let dropped = self.count - count
    switch rules.type.layout {
    case .bits: flags.removeLast(dropped)
    case .fixed(bytes: 4): words32.removeLast(dropped)
    case .fixed: words64.removeLast(dropped)
    case .variable:
      words32.removeLast(dropped)
      bytes.removeLast(bytes.count - Int(words32[words32.count - 1]))
    case .list: if listMark.count == count { lists = listMark.column }
    }
    self.count = count
  }

  /// The column so far; the next one begins empty.
  mutating func finish() -> Column {
    defer { reset() }
    if let lists { return lists.finish() }
    let validity = nullCount == 0 ? nil : Buffer(copying: Self.packed(valid))
    let values: Buffer =
      switch rules.type.layout {
      case .bits: Buffer(copying: Self.packed(flags))
      case .fixed(bytes: 4), .variable, .list: Buffer(copying: words32)
      case .fixed: Buffer(copying: words64)
      }
    return Column(
      type: rules.type, count: count, nullCount: nullCount, validity: validity, values: values,
      bytes: rules.type.layout == .variable ? Buffer(copying: bytes) : nil)
  }

  private static func packed(_ flags: [UInt8]) -> [UInt8] {
    var bits = [UInt8](repeating: 0, count: (flags.count + 7) / 8)
    for (index, flag) in flags.enumerated() where flag == 1 { bits[index >> 3] |= 1 << (index & 7) }
    return bits
  }
}

/// Walks one column's cells through a chunk.
///
/// One loop per type; the closures are inlined.
private struct CellWalk {
  let chunk: CSVChunk
  let cell: Int
  let rules: CellRules
  private let quotedNulls: Bool

  init(chunk: CSVChunk, cell: Int, rules: CellRules) {
    self.chunk = chunk
    self.cell = cell
    self.rules = rules
    quotedNulls = rules.nullsMayBeQuoted && !rules.type.isText
  }

  @inline(__always)
  private func isNull(_ field: CSVField, _ bytes: Span<UInt8>) -> Bool {
    if field.isQuoted, !quotedNulls { return false }
    if bytes.count == 0 { return true }
    for spelling in rules.nulls where spelling.count == bytes.count {
      var index = 0
      while index < bytes.count, spelling[index] == bytes[index] { index &+= 1 }
      if index == bytes.count { return true }
    }
    return false
  }

  @inline(__always)
  func run<Word>(
    _ window: Span<UInt8>, _ words: inout [Word], _ valid: inout [UInt8], _ bad: inout [BadCell],
    null: Word, _ read: (Span<UInt8>) throws(CellFlaw) -> Word
  ) {
    for record in 0..<chunk.count {
      let field = chunk.fields[record &* chunk.width &+ cell]
      let start = chunk.base &+ field.start
      let bytes = window.extracting(start..<start &+ field.length)
      do throws(CellFlaw) {
        if isNull(field, bytes) {
          if rules.isRequired { throw .missing }
          words.append(null)
          valid.append(0)
          continue
        }
        if field.isQuoted, bytes.count == 0 { throw .emptyText }
        let trimmed = window.trimmed(start..<start &+ field.length)
        let word =
          field.isEscaped
          ? try read(Self.unescaped(bytes).span) : try read(window.extracting(trimmed))
        words.append(word)
        valid.append(1)
      } catch {
        words.append(null)
        valid.append(0)
        if rules.hugeIntegersAreNull, error == .outOfRange { continue }
        bad.append(BadCell(record: record, flaw: error))
      }
    }
  }

  @inline(__always)
  func runVariable(
    _ window: Span<UInt8>, _ offsets: inout [UInt32], _ bytes: inout [UInt8],
    _ valid: inout [UInt8], _ bad: inout [BadCell],
    _ read: (Span<UInt8>, inout [UInt8]) throws(CellFlaw) -> Void
  ) {
    for record in 0..<chunk.count {
      let field = chunk.fields[record &* chunk.width &+ cell]
      let start = chunk.base &+ field.start
      let text = window.extracting(start..<start &+ field.length)
      let before = bytes.count
      do throws(CellFlaw) {
        if isNull(field, text) {
          if rules.isRequired { throw .missing }
          valid.append(0)
        } else {
          guard text.count <= Limits.valueBytes else { throw .tooLong }
          if field.isEscaped {
            try read(Self.unescaped(text).span, &bytes)
          } else {
            try read(text, &bytes)
          }
          valid.append(1)
        }
      } catch {
        bytes.removeLast(bytes.count - before)
        valid.append(0)
        bad.append(BadCell(record: record, flaw: error))
      }
      offsets.append(UInt32(truncatingIfNeeded: bytes.count))
    }
  }

  /// A quoted cell's text: each doubled quote is one.
  static func unescaped(_ bytes: Span<UInt8>) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count)
    var at = 0
    while at < bytes.count {
      text.append(bytes[at])
      at &+= bytes[at] == UInt8(ascii: "\"") ? 2 : 1
    }
    return text
  }
}
