import ArgumentParser
import Larder
import LarderFiles
import LarderInterchange

/// `larder join`: a spine gets the features as they were at its times.
struct Join: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Add features to a spine, as they were at each row's time.",
    discussion: """
      The spine is a Parquet, Arrow or CSV file with a time column and the views' join keys. Its \
      rows come out in their order, its columns as they were (of CSV in CSV, as the bytes they \
      were), then the features in the order asked for. A feature is null where its view has no row \
      of that key in the time to live. Times are timestamps, ISO 8601, or integers of --time-unit. \
      Where a CSV spine is written as Parquet or Arrow, the types of its other columns are found \
      by looking at all of their cells; what would lose something of its text stays text. Instead \
      of a spine, --from and --to take the distinct keys and event times of the views in that \
      range. - is standard input.

      EXAMPLES
        larder join my.larder spine.parquet --features stats:* -o train.parquet
        larder join my.larder departures.csv --features weather:* -o train.csv
        larder join my.larder departures.csv --service delays --with-status
        larder join my.larder departures.csv --full-names \\
          --features weather:temp,at_dest:temp \\
          --project at_dest=weather,origin:dest
        larder join my.larder --from 2013-01-01 --to 2013-01-31 \\
          --features weather:* --explain
      """)

  @OptionGroup var target: StoreArgument
  @Argument(help: "A file of keys and times.")
  var spine: String?
  @Option(
    help: ArgumentHelp(
      "Features, in the order they come out; * is all of a view.",
      valueName: "view:feature[,view:*]"))
  var features: [String] = []
  @Option(help: ArgumentHelp("The features of a feature service.", valueName: "NAME"))
  var service: String?
  @Option(help: ArgumentHelp("The spine's time column.", valueName: "COLUMN"))
  var timestamp: String = "event_timestamp"
  @Option(help: "What the spine's times count, if they are integers.")
  var timeUnit: TimeUnitArgument?
  @Option(
    help: ArgumentHelp(
      "Use a view under a name of its own, with other spine columns as its keys.",
      valueName: "ALIAS=VIEW,JOIN_KEY:SPINE_COLUMN"))
  var project: [ProjectionArgument] = []
  @Flag(help: "Call the columns view__feature.")
  var fullNames = false
  @Flag(help: "Count only rows that were known by then: created <= time.")
  var asKnown = false
  @Flag(help: "Add the event time of the row that answered, for each view.")
  var withEventTimes = false
  @Flag(help: "Add why each view answered as it did.")
  var withStatus = false
  @Option(
    help: ArgumentHelp(
      "Ask the store as it was at a commit, tag or time.", valueName: "COMMIT"))
  var at: CommitArgument?
  @Option(help: ArgumentHelp("The first event time, without a spine.", valueName: "T"))
  var from: TimeArgument?
  @Option(help: ArgumentHelp("The last event time, without a spine.", valueName: "T"))
  var to: TimeArgument?
  @Option(help: ArgumentHelp("Memory to take at most, such as 512M.", valueName: "SIZE"))
  var memory: SizeArgument?
  @Option(help: ArgumentHelp("Threads to use; all cores if not said.", valueName: "N"))
  var threads: CountArgument?
  @OptionGroup var cells: CellsArgument
  @Option(
    help: ArgumentHelp(
      "Leave columns of the spine out of the answer.", valueName: "COLUMN[,COLUMN]"))
  var dropColumns: [String] = []
  @Flag(
    name: .customLong("uint64-as-text"),
    help: "Take unsigned 64-bit integers of Parquet and Arrow as text.")
  var uint64AsText = false
  @Flag(help: "Say how the query would be answered, and do not answer it.")
  var explain = false
  @OptionGroup var output: OutputArgument

  func validate() throws {
    if features.isEmpty, service == nil {
      throw ValidationError("Say what to join with --features or --service.")
    }
    if spine == nil, from == nil || to == nil {
      throw ValidationError("Give a spine, or --from and --to.")
    }
    if spine != nil, from != nil || to != nil {
      throw ValidationError("--from and --to take the place of a spine; give one or the other.")
    }
  }

  func run() throws {
    let store = try target.openForReading(at: at)
    var query = try query(store)
    let progress = Progress("join")
    query.options.progress = { done, of in
      progress.show(rows: done, part: of > 0 ? Double(done) / Double(of) : nil)
    }
    query.options.isCancelled = { Interrupt.isRequested }
    let spine = try spine.map { path throws(LarderError) in
      try readSpine(path, query, try store.definitions().featureViews)
    }
    // Parquet has dictionaries of its own; to the others a feature is plain text.
    query.options.dictionaryStrings = output.format == .parquet
    let job = try store.historicalFeatures(
      for: spine?.query, features: query.features, options: query.options)
    if explain {
      let text = try job.explain()
      return try StandardOutput.write(text.hasSuffix("\n") ? text : text + "\n")
    }
    let answer = try AnswerOutput(
      job: job, spine: spine, format: output.format, csv: cells.format())
    let rows = try answer.write(to: output.open())
    progress.clear()
    report(job.report, rows: rows, seconds: progress.seconds)
  }

  private struct Query {
    var features: [FeatureReference]
    var options: RetrievalOptions
  }

  private func query(_ store: FeatureStore) throws(LarderError) -> Query {
    var options = RetrievalOptions(
      timestamp: timestamp, projections: project.map(\.projection), fullFeatureNames: fullNames,
      asKnown: asKnown, withEventTimes: withEventTimes, withStatus: withStatus, from: from?.time,
      through: to?.time)
    options.memoryBytes = memory?.bytes
    options.threads = threads?.count
    var references: [FeatureReference] = []
    if let service {
      let service = try store.service(named: service)
      references += service.features
      options.projections += service.projections
    }
    for list in features {
      for text in list.split(separator: ",", omittingEmptySubsequences: false) {
        references.append(try FeatureReference(String(text)))
      }
    }
    return Query(features: references, options: options)
  }

  /// Reads the spine with the columns that the asked-for views are found by.
  private func readSpine(
    _ path: String, _ query: Query, _ views: [FeatureView]
  ) throws(LarderError) -> AnswerSpine {
    var keys: [CSVSpine.Key] = []
    for reference in query.features {
      let projection = query.options.projections.first { $0.alias == reference.view }
      let viewName = projection?.view ?? reference.view
      // A name that does not exist is told by the query itself, with the nearest one.
      guard let view = views.first(where: { $0.name == viewName }), !view.isEntityless else {
        continue
      }
      for key in view.joinKeys {
        let column = projection?.joinKeys[key.name] ?? key.name
        let wanted = CSVSpine.Key(column: column, type: key.type)
        if !keys.contains(wanted) { keys.append(wanted) }
      }
    }
    let source = try ByteSource(path: path)
    source.isCancelled = { Interrupt.isRequested }
    var options = SpineOptions()
    options.format = try cells.format()
    options.timeUnit = timeUnit?.unit
    options.dropped = dropColumns.flatMap { $0.split(separator: ",").map(String.init) }
    options.unsignedTexts = uint64AsText
    options.threads = threads?.count ?? .availableCores
    let isText = try source.detectFormat() == .text
    try checkUse(isText: isText, file: path)
    if output.format == .text, isText, options.dropped.isEmpty {
      return .records(
        try CSVSpine(
          source, keys: keys, timestamp: timestamp, timeUnit: options.timeUnit,
          format: options.format))
    }
    options.keepsTexts = output.format == .text
    let table = try SpineTable(source, keys: keys, timestamp: timestamp, options: options)
    for group in table.groups {
      let leaves = table.batch.schema.fields.map(\.name).filter { $0.hasPrefix(group + ".") }
      Terminal.note(
        "note: the group \"\(group)\" comes out as \(leaves.prefix(8).joined(separator: ", "))")
    }
    return .table(table)
  }

  /// Refuses options that neither the spine nor the answer applies.
  private func checkUse(isText: Bool, file: String) throws(LarderError) {
    var idle: [String] = []
    if !isText, cells.timeFormat != nil { idle.append("--time-format is for CSV") }
    if !isText, output.format != .text, cells.delimiter != nil {
      idle.append("--delimiter is for CSV")
    }
    if isText, uint64AsText { idle.append("--uint64-as-text is for Parquet and Arrow") }
    guard let first = idle.first else { return }
    throw LarderError(.invalidArgument, "\(first); the spine is another kind.", file: file)
  }

  private func report(_ report: RetrievalReport?, rows: Int, seconds: Double) {
    Terminal.note(
      "\(Quantity.count(rows, "row")) in \(Quantity.seconds(seconds)), "
        + Quantity.rate(rows, "row", in: seconds))
    for view in report?.views ?? [] {
      Terminal.note("  \(view.name): \(Quantity.count(view.matchedRows)) matched")
    }
  }
}
