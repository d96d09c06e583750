import CLarder
import Larder
import LarderColumns
import LarderContract
import LarderInterchange

/// Asks for features at past times; see `larder.h`.
@c @implementation public func larder_historical_features(
  _ store: OpaquePointer?, _ spine: StreamPointer?, _ query: UnsafePointer<CChar>?,
  _ job: HandlePlace?, _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    var reader: ArrowStreamReader?
    if let spine = unsafe spine { reader = try unsafe stream(spine) }
    let place = try unsafe required(job, "place for the job")
    let store = try unsafe object(store, StoreHandle.self, "store").store
    let given = try unsafe Options(
      query, "query",
      allowed: [
        "features", "service", "timestamp", "projections", "fullFeatureNames", "asKnown",
        "withEventTimes", "withStatus", "from", "through", "dictionaryStrings", "memoryBytes",
        "threads",
      ])
    let cancellation = Cancellation()
    var options = try retrievalOptions(given)
    options.isCancelled = { cancellation.isCancelled }
    let rows = try reader.map { reader throws(LarderError) in try wholeBatch(reader) }
    let made = try ask(store, rows, given, options)
    unsafe place.pointee = try handOut(
      JobHandle(
        made, dictionaries: dictionaries(made.schema, spine: rows),
        cancellation: cancellation))
  }
}

/// Asks for the rows of a view; see `larder.h`.
@c @implementation public func larder_pull(
  _ store: OpaquePointer?, _ view: UnsafePointer<CChar>?, _ query: UnsafePointer<CChar>?,
  _ job: HandlePlace?, _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let place = try unsafe required(job, "place for the job")
    let store = try unsafe object(store, StoreHandle.self, "store").store
    let view = try unsafe text(view, "view")
    let given = try unsafe Options(
      query, "query", allowed: ["latest", "features", "from", "through", "memoryBytes"])
    let features = try given.strings("features")
    let (from, through) = (try given.time("from"), try given.time("through"))
    let options = PullOptions(memoryBytes: try given.count("memoryBytes"))
    let pulled =
      try given.bool("latest")
      ? try store.pullLatest(
        view, features: features, from: from, through: through, options: options)
      : try store.pullAll(
        view, features: features, from: from, through: through, options: options)
    unsafe place.pointee = try handOut(
      JobHandle(
        pulled, dictionaries: pulled.schema.fields.map { _ in false },
        cancellation: Cancellation()))
  }
}

private func ask(
  _ store: FeatureStore, _ spine: RecordBatch?, _ given: Options, _ options: RetrievalOptions
) throws(LarderError) -> any RetrievalJob {
  if let service = try given.string("service") {
    guard !given.has("features") else {
      throw LarderError(.invalidArgument, "Ask for \"features\" or for a \"service\", not both.")
    }
    return try store.historicalFeatures(for: spine, service: service, options: options)
  }
  var features: [FeatureReference] = []
  for text in try given.strings("features") ?? [] { features.append(try FeatureReference(text)) }
  return try store.historicalFeatures(for: spine, features: features, options: options)
}

private func retrievalOptions(_ given: Options) throws(LarderError) -> RetrievalOptions {
  var options = RetrievalOptions()
  if let column = try given.string("timestamp") { options.timestamp = column }
  options.fullFeatureNames = try given.bool("fullFeatureNames")
  options.asKnown = try given.bool("asKnown")
  options.withEventTimes = try given.bool("withEventTimes")
  options.withStatus = try given.bool("withStatus")
  options.dictionaryStrings = try given.bool("dictionaryStrings")
  options.from = try given.time("from")
  options.through = try given.time("through")
  options.memoryBytes = try given.count("memoryBytes")
  options.threads = try given.count("threads")
  options.projections = try projections(given)
  return options
}

extension RecordBatch {
  /// Batches of one schema, one after the other.
  fileprivate static func concatenated(
    _ batches: [RecordBatch], schema: Schema
  ) throws(LarderError) -> RecordBatch {
    var columns: [Column] = []
    for (index, field) in schema.fields.enumerated() {
      columns.append(
        batches.isEmpty
          ? ColumnBuilder(field.type).finish()
          : try Column.joined(batches.map { $0.columns[index] }))
    }
    return try RecordBatch(
      schema: schema, columns: columns, count: batches.reduce(0) { $0 + $1.count })
  }
}

/// All rows of a stream in one batch.
private func wholeBatch(_ reader: ArrowStreamReader) throws(LarderError) -> RecordBatch {
  var batches: [RecordBatch] = []
  while let batch = try reader.nextBatch() { batches.append(batch) }
  if batches.count == 1 { return batches[0] }
  return try RecordBatch.concatenated(batches, schema: reader.schema)
}

/// The projections of a query.
func projections(_ given: Options) throws(LarderError) -> [Projection] {
  var projections: [Projection] = []
  for value in try given.values("projections") ?? [] {
    let projection = try Options(value, "projection", allowed: ["view", "as", "joinKeys"])
    guard let view = try projection.string("view"), let alias = try projection.string("as") else {
      throw LarderError(.invalidArgument, "A projection has a \"view\" and an \"as\".")
    }
    var keys: [String: String] = [:]
    for member in try projection.members("joinKeys") {
      guard case .string(let column) = member.value.content else {
        throw LarderError(
          .invalidArgument, "\"joinKeys\" names a spine column for each join key.")
      }
      keys[member.name] = column
    }
    projections.append(.projection(of: view, as: alias, joinKeys: keys))
  }
  return projections
}

/// Which columns are dictionary columns in every batch of a result: the spine's own.
private func dictionaries(_ schema: Schema, spine: RecordBatch?) -> [Bool] {
  schema.fields.indices.map { index in
    guard let spine, index < spine.columns.count else { return false }
    return spine.columns[index].isDictionary
  }
}
