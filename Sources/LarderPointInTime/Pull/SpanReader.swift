import LarderColumns
import LarderContract
import LarderEncodings
import LarderKeys
import LarderOffline

/// Reads the rows of a pull in spans: whole vectors go from the segments straight into the result.
final class SpanReader {
  private let query: ResolvedPull
  private let tables: SearchTables
  private let keys: KeyDirectory
  private let range: ClosedRange<Int64>
  private var features: [Feature] = []
  private var times: TimeFill
  private var windows: SpanWindows

  /// How a feature is read.
  private enum Feature {
    case fixed(SpanColumn, FixedFill)
    case bits(SpanColumn)
    case texts(SpanColumn)
    /// Row by row.
    case gathered(FeatureGather)
  }

  /// Opens what a pull needs; nil if there is nothing to pull.
  ///
  /// - Throws: `corrupt`; `incompatibleDefinition` if a column cannot be widened to its feature.
  init?(_ query: ResolvedPull, _ history: ViewHistory) throws(LarderError) {
    guard let range = query.bounds, let keys = history.keys else { return nil }
    let needed = SegmentChoice(history.segments, range: range).needed
    guard !needed.isEmpty else { return nil }
    let choice = SegmentChoice(needed, range: nil)
    self.query = query
    self.keys = keys
    self.range = range
    tables = try SearchTables(choice)
    times = TimeFill(
      tables, query.view.timeUnit, hasCreated: query.outputs.contains(.created))
    windows = SpanWindows(segments: choice.segments.count)
    for case .feature(let position) in query.outputs {
      var columns: [SegmentColumn?] = []
      for segment in choice.segments {
        columns.append(try segment.column(fieldID: history.fieldIDs[position]))
      }
      features.append(
        try SpanReader.feature(columns, as: query.view.features[position].type))
    }
  }

  private static func feature(
    _ columns: [SegmentColumn?], as type: DataType
  ) throws(LarderError) -> Feature {
    let column = SpanColumn(columns, as: type)
    guard column.isReadInSpans else { return .gathered(try FeatureGather(columns, as: type)) }
    switch type.layout {
    case .bits: return .bits(column)
    case .fixed(let width): return .fixed(column, FixedFill(width: width))
    default: return .texts(column)
    }
  }

  /// The rows, from the first on.
  func cursor() throws(LarderError) -> SpanCursor {
    try SpanCursor(tables, range, retired: keys.retired)
  }

  /// The columns of some rows.
  ///
  /// - Parameters:
  ///   - memory: where the buffers come from.
  ///   - budget: what they are counted against.
  /// - Throws: `limitExceeded` if the budget, or a column's 2 GiB, do not suffice; `corrupt`.
  func read(
    _ spans: PulledSpans, _ memory: BatchMemory, _ budget: MemoryBudget
  ) throws(LarderError) -> RecordBatch {
    _ = budget.take(heldBytes + spans.bytes + rowBytes * spans.count)
    try budget.check()
    let placed = PlacedSpans(spans, segments: tables.count)
    var texts: [TextFill] = []
    for index in features.indices {
      guard case .texts(var column) = features[index] else { continue }
      let text = try TextFill(spans, &column, &windows, memory)
      features[index] = .texts(column)
      _ = budget.take(text.total)
      texts.append(text)
    }
    let keyColumns = try KeyFill(keys: keys).read(spans.keys, rows: spans.count, memory)
    _ = budget.take(keyColumns.reduce(0) { $0 + ($1.bytes?.count ?? 0) })
    try budget.check()
    let gathered = try gather(spans, budget)
    try budget.check()
    let (event, created) = try times.read(spans, placed, memory)
    var columns: [Column] = []
    var ordinal = 0
    var (nextText, nextGathered) = (0, 0)
    for output in query.outputs {
      switch output {
      case .key(let index): columns.append(keyColumns[index])
      case .event: columns.append(event)
      case .created: if let created { columns.append(created) }
      case .feature:
        switch features[ordinal] {
        case .texts:
          columns.append(texts[nextText].finish(memory))
          nextText += 1
        case .gathered:
          columns.append(gathered[nextGathered])
          nextGathered += 1
        default: columns.append(try readFixed(ordinal, spans, placed, memory))
        }
        ordinal += 1
      }
    }
    return RecordBatch(unchecked: query.schema, columns: columns, count: spans.count)
  }

  /// Reads values of fixed width, and bits.
  private func readFixed(
    _ ordinal: Int, _ spans: PulledSpans, _ placed: PlacedSpans, _ memory: BatchMemory
  ) throws(LarderError) -> Column {
    var column: SpanColumn
    let values: Buffer
    switch features[ordinal] {
    case .fixed(let source, let fill):
      column = source
      values = memory.take(spans.count * fill.width)
      unsafe try fill.fill(placed, &column, &windows, into: values.base)
      features[ordinal] = .fixed(column, fill)
    case .bits(let source):
      column = source
      values = memory.takeZeroed((spans.count + 7) / 8)
      try BitFill.fill(spans, &column, windows, into: Lanes<UInt64>(values))
      features[ordinal] = .bits(column)
    case .texts, .gathered: throw LarderError(.invalidArgument, "The feature's width varies.")
    }
    let valid = column.readValidity(spans, memory)
    return Column(
      type: column.type, count: spans.count, nullCount: valid?.nulls ?? 0, validity: valid?.bits,
      values: values)
  }

  /// Gathers the features that cannot be read in spans.
  private func gather(_ spans: PulledSpans, _ budget: MemoryBudget) throws(LarderError) -> [Column]
  {
    var gathers: [FeatureGather] = []
    var outputs: [OutputColumn] = []
    var ordinal = 0
    for case .feature(let position) in query.outputs {
      if case .gathered(let feature) = features[ordinal] {
        let type = query.view.features[position].type
        outputs.append(feature.output(type, rows: spans.count, budget: budget))
        gathers.append(feature)
      }
      ordinal += 1
    }
    guard !gathers.isEmpty else { return [] }
    return try gatherRows(spans.listed(), gathers, outputs, budget)
  }

  /// Bytes of a row of the result, without texts and lists.
  private(set) lazy var rowBytes: Int = {
    var bits = 0
    for type in query.schema.fields.map(\.type) {
      switch type.layout {
      case .bits: bits += 2
      case .fixed(let width): bits += width * 8 + 1
      case .variable: bits += 65
      case .list: bits += 33
      }
    }
    // Rows that are gathered are listed one by one.
    let isGathered = features.contains { if case .gathered = $0 { true } else { false } }
    return (bits + 7) / 8 + (isGathered ? 12 : 0)
  }()

  /// Bytes that any batch needs.
  var heldBytes: Int { SpanWindows.bytes(segments: tables.count) * 3 }
}
