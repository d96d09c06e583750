import LarderColumns

/// A wanted column of a file and how its cells are read.
struct CSVColumnPlan {
  /// The column's name in the batch.
  var name: String
  /// The column's name in the file.
  var fileColumn: String
  /// The column's position in the file.
  var index: Int
  var rules: CellRules
}

/// Reads the wanted columns of a file chunk by chunk into columns, and deals with bad records.
struct CSVRecords {
  private let source: ByteSource
  private let plans: [CSVColumnPlan]
  private let policy: CSVErrorPolicy
  private var tokenizer: CSVTokenizer
  private(set) var chunk: CSVChunk
  private(set) var skipped = SkippedRecords()
  private(set) var hasMore = true
  /// A record that is none, behind those of the chunk, which come first.
  private var pending: LarderError?
  /// Whether a record was refused for a time that is finer than its unit.
  private(set) var foundFinerTime = false
  var columns: [CellColumn]

  init(
    source: ByteSource, header: CSVHeader, plans: [CSVColumnPlan], format: CSVFormat,
    policy: CSVErrorPolicy
  ) {
    self.source = source
    self.plans = plans
    self.policy = policy
    var slots = [Int32](repeating: -1, count: header.names.count)
    for (cell, plan) in plans.enumerated() { slots[plan.index] = Int32(cell) }
    tokenizer = CSVTokenizer(
      format: format, slots: slots, line: header.nextLine, position: header.next)
    chunk = CSVChunk(width: plans.count)
    columns = plans.map { CellColumn($0.rules) }
  }

  /// Bytes read so far.
  var bytesRead: Int { source.bytesBefore + tokenizer.position }

  /// Where the chunk's records stand in the source's window.
  var chunkRanges: some Collection<Range<Int>> {
    chunk.ranges[..<chunk.count].lazy.map {
      $0.lowerBound + chunk.base..<$0.upperBound + chunk.base
    }
  }

  /// Appends the next chunk's cells to the columns.
  ///
  /// - Returns: how many records were appended, possibly 0 before the end.
  /// - Throws: `invalidInput` for the first record that cannot be read, if the policy is to stop.
  mutating func readChunk() throws(LarderError) -> Int {
    try fillChunk()
    if chunk.count == 0 { return 0 }
    let span = unsafe Span(_unsafeElements: source.window)
    let before = columns.first?.count ?? 0
    var bad: [(cell: Int, cause: BadCell)] = []
    appendColumns(span, &bad)
    if !bad.isEmpty {
      try reject(bad, span)
      for cell in columns.indices { columns[cell].truncate(to: before) }
      var none: [(cell: Int, cause: BadCell)] = []
      appendColumns(span, &none)
    }
    return chunk.count
  }

  /// Looks at the cells of the next chunk, and keeps none.
  ///
  /// - Returns: how many records it has, possibly 0 before the end.
  /// - Throws: `invalidInput` for a record that is none.
  mutating func surveyChunk(
    _ guesses: inout [CellTypeGuess], format: CSVFormat
  ) throws(LarderError) -> Int {
    try fillChunk()
    let span = unsafe Span(_unsafeElements: source.window)
    for cell in guesses.indices {
      guesses[cell].see(chunk, cell: cell, window: span, format: format)
    }
    return chunk.count
  }

  /// Fills the chunk with the next records, from a further window if this one has no more.
  private mutating func fillChunk() throws(LarderError) {
    if let pending { throw pending }
    hasMore = try fill(unsafe Span(_unsafeElements: source.window))
    while chunk.count == 0, hasMore, !source.isFinal {
      tokenizer.position = try source.advance(keepingFrom: tokenizer.position)
      hasMore = try fill(unsafe Span(_unsafeElements: source.window))
    }
  }

  private mutating func fill(_ window: Span<UInt8>) throws(LarderError) -> Bool {
    var skipped = self.skipped
    defer { self.skipped = skipped }
    let name = source.name
    let policy = self.policy
    do throws(LarderError) {
      return try tokenizer.fill(&chunk, from: window, isFinal: source.isFinal) {
        (flaw) throws(LarderError) in
        let error = LarderError(
          .invalidInput, flaw.message, file: name, position: TextPosition(line: flaw.line))
        guard policy == .skip else { throw error }
        skipped.add(error, reason: flaw.reason)
      }
    } catch {
      guard chunk.count > 0 else { throw error }
      pending = error
      return true
    }
  }

  private mutating func appendColumns(
    _ window: Span<UInt8>, _ bad: inout [(cell: Int, cause: BadCell)]
  ) {
    for cell in columns.indices {
      var flaws: [BadCell] = []
      columns[cell].append(chunk, cell: cell, window: window, bad: &flaws)
      for flaw in flaws { bad.append((cell, flaw)) }
    }
  }

  /// Throws the first record's error, or counts the bad records and drops them from the chunk.
  private mutating func reject(
    _ bad: [(cell: Int, cause: BadCell)], _ window: Span<UInt8>
  ) throws(LarderError) {
    let sorted = bad.sorted { ($0.cause.record, $0.cell) < ($1.cause.record, $1.cell) }
    var dropped: [Int] = []
    for (cell, cause) in sorted where dropped.last != cause.record {
      let plan = plans[cell]
      let field = chunk.fields[cause.record * chunk.width + cell]
      let start = chunk.base + field.start
      let found = Self.shown(window.extracting(start..<start + field.length))
      let reason = cause.flaw.reason(type: plan.rules.type)
      let error = LarderError(
        .invalidInput, "Found \(found), which is \(reason).", file: source.name,
        position: TextPosition(line: chunk.lines[cause.record]), column: plan.fileColumn)
      if case .time(.finerThanUnit) = cause.flaw { foundFinerTime = true }
      guard policy == .skip else { throw error }
      skipped.add(error, reason: "column \"\(plan.fileColumn)\": \(reason)")
      dropped.append(cause.record)
    }
    chunk.remove(dropped)
  }

  /// A cell as a message shows it: in quotes, cut where it is long.
  private static func shown(_ cell: Span<UInt8>) -> String {
    let text = cell.extracting(0..<min(cell.count, 80)).text
    return cell.count > 80 ? "\"\(text)...\"" : "\"\(text)\""
  }
}
