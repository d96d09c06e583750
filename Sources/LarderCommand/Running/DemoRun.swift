import Larder
import LarderInterchange

/// Imports the demo's history and asks its queries.
struct DemoRun {
  let store: FeatureStore
  let data: String
  let output: ByteOutput

  /// Applies each folder's definitions and imports each file as one commit.
  func importAll() throws {
    var applied: Set<String> = []
    var table = Table([
      "view": .left, "rows": .right, "time": .right, "rate": .right, "ttl": .right,
    ])
    for history in DemoHistory.all {
      if applied.insert(history.folder).inserted {
        let path = "\(data)/\(history.folder)/definitions.json"
        let text = try ByteSource(path: path).readAll()
        try store.apply(Definitions(json: text, file: path))
      }
      let view = try store.view(named: history.view)
      let progress = Progress(history.view)
      var reading = HistoryOptions()
      reading.csv = try CSVFormat(nulls: history.nulls)
      var input = ImportInput(
        files: [InputFile("\(data)/\(history.folder)/\(history.file)")], view: view,
        options: reading, progress: progress)
      let appender = try store.appender(to: view.name)
      while let batch = try input.next() { try appender.append(batch) }
      try appender.commit()
      progress.clear()
      let seconds = progress.seconds
      table.add(
        history.view, Quantity.count(input.rows), Quantity.seconds(seconds),
        Quantity.rate(input.rows, "row", in: seconds), ViewText.timeToLive(view))
    }
    try output.write(table.text + "\n")
  }

  /// Asks a query, prints some of the answer, and counts its matches again.
  ///
  /// - Returns: how many views' counts differ from the plain loop's.
  func ask(_ query: DemoQuery) throws -> Int {
    let definitions = try store.definitions()
    var options = RetrievalOptions(
      timestamp: query.timestamp, projections: query.projections,
      fullFeatureNames: query.fullNames, withEventTimes: true)
    options.isCancelled = { Interrupt.isRequested }
    let sources = DemoSource.sources(of: query, in: definitions.featureViews)
    let keys = sources.filter { !$0.view.isEntityless }.flatMap { source in
      source.view.joinKeys.map { CSVSpine.Key(column: source.column(of: $0), type: $0.type) }
    }
    let spine = try CSVSpine(
      ByteSource(path: "\(data)/\(query.spine)"), keys: keys, timestamp: query.timestamp)
    let job = try store.historicalFeatures(
      for: spine.batch, features: query.features, options: options)
    let clock = ContinuousClock()
    let start = clock.now
    let answer = try job.collect()
    let seconds = Progress.seconds(clock.now - start)
    try output.write("\(query.title)\n\n\(sample(answer))\n")
    try output.write(
      "\(Quantity.count(answer.count, "row")) in \(Quantity.seconds(seconds)), "
        + "\(Quantity.rate(answer.count, "row", in: seconds))\n")
    var differences = 0
    for source in sources {
      let column = answer["\(source.name)__event_timestamp"]
      let matched = answer.count - (column?.nullCount ?? answer.count)
      let expected = try source.plainCount(spine.batch, query.timestamp, store)
      try output.write("  \(source.name): \(Quantity.count(matched)) matched\n")
      if matched != expected {
        try output.write("  DIFFERENT: the plain loop finds \(Quantity.count(expected))\n")
        differences += 1
      }
    }
    try output.write("\n")
    return differences
  }

  /// Six rows from the whole length of the answer.
  private func sample(_ answer: RecordBatch) -> String {
    let names = answer.schema.fields.map(\.name).filter { !$0.hasSuffix("__event_timestamp") }
    let columns = names.compactMap { name in answer[name].map { (name, $0) } }
    var table = Table(columns: columns.map { ($0.0, $0.1.type.isText ? .left : .right) })
    let step = max(answer.count / 6, 1)
    for row in stride(from: step / 2, to: answer.count, by: step).prefix(6) {
      table.add(
        columns.map { column in
          let text = CellText.text(column.1[row])
          return text.isEmpty ? "-" : text
        })
    }
    return table.text
  }
}
