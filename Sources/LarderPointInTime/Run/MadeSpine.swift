import LarderColumns
import LarderContract
import LarderEncodings
import LarderKeys
import LarderOffline

extension PointInTimeJob {
  /// The spine of a query without one: the distinct keys and event times of its views in the
  /// range, ordered by time, then by the key columns, null first, numbers and bytes ascending.
  ///
  /// - Throws: `invalidInput` if an event time does not fit the finest unit of the views;
  ///   `limitExceeded` if the memory budget does not suffice; `corrupt`.
  func makeSpine(_ join: PreparedJoin) throws(LarderError) -> RecordBatch {
    let query = join.plan.query
    guard case .timestamp(let unit) = query.spine.fields[query.timeColumn].type else {
      throw LarderError(.invalidArgument, "The spine's time column is not a timestamp.")
    }
    try checkBudget(join)
    var keys = MadeKeys(width: query.spine.fields.count - 1)
    var rows: [MadeRow] = []
    for (index, source) in join.sources.enumerated() {
      guard var cursor = try rowsInRange(of: index, join), let tables = source.tables,
        let directory = join.plan.histories[index].keys
      else { continue }
      let view = source.asked.view
      var pulled = PulledRows()
      var hasMore = true
      while hasMore {
        hasMore = try cursor.next(65_536, into: &pulled)
        var lastID: UInt32?
        var key = 0
        for position in 0..<pulled.count {
          let id = pulled.ids[position]
          if id != lastID {
            key = try keys.number(of: id, in: directory, columns: source.asked.keyColumns)
            lastID = id
          }
          let segment = Int(pulled.segments[position])
          let event = try tables.eventTime(segment, Int(pulled.rows[position]))
          let time = Timestamp(ticks: event, unit: view.timeUnit)
          guard let ticks = time.exactly(in: unit) else {
            throw LarderError(
              .invalidInput,
              "\(event) \(view.timeUnit), an event time of \"\(source.asked.name)\", cannot be given "
                + "in \(unit); ask for one view at a time.")
          }
          let row = MadeRow(time: ticks, key: key)
          // Rows of a key come in the order of their times: most repetitions follow one another.
          if rows.last != row { rows.append(row) }
        }
        pulled.removeAll()
      }
    }
    return try keys.spine(rows, schema: query.spine, timeColumn: query.timeColumn)
  }

  /// Walks through the rows of a source within the query's range; nil if it has none.
  private func rowsInRange(
    of index: Int, _ join: PreparedJoin
  ) throws(LarderError) -> RunCursor? {
    let source = join.sources[index]
    guard let range = join.plan.query.madeFrom else {
      throw LarderError(.invalidArgument, "There is no spine and no range to make one from.")
    }
    let pull = try ResolvedPull(
      source.asked.view, features: [], from: range.lowerBound, through: range.upperBound)
    guard let tables = source.tables, let timeline = source.timeline,
      let directory = join.plan.histories[index].keys, let bounds = pull.bounds
    else { return nil }
    return RunCursor(
      tables, timeline, from: bounds.lowerBound, through: bounds.upperBound,
      retired: directory.retired)
  }

  /// Refuses to make a spine that the memory budget has no room for.
  ///
  /// - Throws: `limitExceeded`, naming what suffices for making it.
  private func checkBudget(_ join: PreparedJoin) throws(LarderError) {
    guard let limit = join.plan.options.memoryBytes else { return }
    var rows = 0
    var entities = 0
    for index in join.sources.indices {
      guard var cursor = try rowsInRange(of: index, join) else { continue }
      let found = try cursor.countAll()
      rows += found.rows
      entities += found.entities
    }
    let width = join.plan.query.spine.fields.count
    let needed =
      JoinRun.timelineBytes(join) + rows * (MemoryLayout<MadeRow>.stride + width * 16)
      + entities * (256 + width * 64)
    guard needed <= limit else { throw MemoryBudget.exceeded(needed: needed, limit: limit) }
  }
}

/// A row of a spine that is made.
private struct MadeRow: Hashable {
  var time: Int64
  /// The number of its key in `MadeKeys`.
  var key: Int
}

/// The distinct keys of a spine that is made, as values of the spine's columns.
private struct MadeKeys {
  private let width: Int
  private var numbers: [[Value]: Int] = [:]
  private var values: [[Value]] = []

  init(width: Int) { self.width = width }

  /// The number of an id's key.
  mutating func number(
    of id: UInt32, in directory: KeyDirectory, columns: [Int]
  ) throws(LarderError) -> Int {
    var cells = [Value](repeating: .null, count: width)
    var parts = KeyColumns(directory)
    try parts.append(id, times: 1)
    for (part, column) in zip(parts.finish(), columns) { cells[column] = part[0] }
    if let known = numbers[cells] { return known }
    numbers[cells] = values.count
    values.append(cells)
    return values.count - 1
  }

  /// The spine's columns: the keys, then the time.
  ///
  /// - Parameter rows: in any order, and perhaps repeatedly.
  func spine(
    _ rows: consuming [MadeRow], schema: Schema, timeColumn: Int
  ) throws(LarderError) -> RecordBatch {
    let order = values.indices.sorted { precedes(values[$0], values[$1]) }
    var ranks = [Int](repeating: 0, count: values.count)
    for (rank, key) in order.enumerated() { ranks[key] = rank }
    rows.sort { a, b in
      a.time != b.time ? a.time < b.time : ranks[a.key] < ranks[b.key]
    }
    var builders = schema.fields.map { ColumnBuilder($0.type) }
    var last: MadeRow?
    var count = 0
    for row in rows where row != last {
      for column in 0..<width { try builders[column].append(values[row.key][column]) }
      builders[timeColumn].append(row.time)
      last = row
      count += 1
    }
    return RecordBatch(
      unchecked: schema, columns: builders.map { $0.finish() }, count: count)
  }

  private func precedes(_ a: [Value], _ b: [Value]) -> Bool {
    for (x, y) in zip(a, b) where x != y {
      switch (x, y) {
      case (.null, _): return true
      case (_, .null): return false
      case (.int32(let x), .int32(let y)): return x < y
      case (.int64(let x), .int64(let y)): return x < y
      case (.timestamp(let x), .timestamp(let y)): return x < y
      case (.string(let x), .string(let y)): return x.utf8.lexicographicallyPrecedes(y.utf8)
      case (.bytes(let x), .bytes(let y)): return x.lexicographicallyPrecedes(y)
      default: return false
      }
    }
    return false
  }
}

extension SearchTables {
  /// The event time of a row.
  ///
  /// - Throws: `corrupt` if its page is damaged.
  func eventTime(_ segment: Int, _ row: Int) throws(LarderError) -> Int64 {
    try self[segment].eventColumn.ensureVerified(page: row >> 16)
    return unsafe self[segment].times.time(at: row)
  }
}

extension ResolvedPull {
  /// The range in ticks of the view's unit; nil if it lies outside of all ticks.
  var bounds: ClosedRange<Int64>? {
    let unit = view.timeUnit
    let tick = Int128(unit.nanosecondsPerTick)
    if let from, from.exactNanoseconds > Int128(Int64.max) * tick { return nil }
    if let through, through.exactNanoseconds < Int128(Int64.min) * tick { return nil }
    let lower = from?.ceiling(in: unit) ?? .min
    let upper = through?.floor(in: unit) ?? .max
    return lower <= upper ? lower...upper : nil
  }
}
