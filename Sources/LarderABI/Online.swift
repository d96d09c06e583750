import CLarder
import Larder
import LarderColumns
import LarderContract
import LarderInterchange

/// Brings history online; see `larder.h`.
@c @implementation public func larder_materialize(
  _ store: OpaquePointer?, _ view: UnsafePointer<CChar>?, _ options: UnsafePointer<CChar>?,
  _ report: TextPlace?, _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let store = try unsafe object(store, StoreHandle.self, "store").store
    let view = try unsafe text(view, "view")
    let given = try unsafe Options(options, "options", allowed: ["from", "through", "full"])
    let through = try given.time("through") ?? .now
    let made: MaterializationReport
    if let from = try given.time("from") {
      made = try store.materialize(view, from: from, through: through)
    } else {
      made = try store.materialize(view, through: through, full: try given.bool("full"))
    }
    try unsafe handOut(report: made, to: report)
  }
}

/// Writes rows online; see `larder.h`.
@c @implementation public func larder_write_online(
  _ store: OpaquePointer?, _ view: UnsafePointer<CChar>?, _ rows: StreamPointer?,
  _ written: UnsafeMutablePointer<Int64>?, _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let reader = try unsafe stream(rows)
    let store = try unsafe object(store, StoreHandle.self, "store").store
    let online = try store.online(try unsafe text(view, "view"))
    let conversion = ViewConversion(to: online.view)
    var before = 0
    defer { unsafe written?.pointee = Int64(before) }
    while let batch = try reader.nextBatch() {
      do throws(LarderError) {
        try online.write(conversion.convert(batch, nulls: reader.nullColumns))
      } catch { throw error.counted(from: before) }
      before += batch.count
    }
  }
}

/// Lets go of online tables; see `larder.h`.
@c @implementation public func larder_end_writing(
  _ store: OpaquePointer?, _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    try unsafe object(store, StoreHandle.self, "store").store.close()
  }
}

/// Removes online tables; see `larder.h`.
@c @implementation public func larder_tear_down(
  _ store: OpaquePointer?, _ options: UnsafePointer<CChar>?,
  _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let store = try unsafe object(store, StoreHandle.self, "store").store
    let given = try unsafe Options(options, "options", allowed: ["views"])
    var views: [FeatureView] = []
    for name in try given.strings("views") ?? [] { views.append(try store.view(named: name)) }
    guard let online = store.onlineStore else {
      throw LarderError(.unsupported, "An earlier state has no online tables.")
    }
    try online.tearDown(views, entities: [])
  }
}

/// Reads the latest features; see `larder.h`.
@c @implementation public func larder_read_online(
  _ store: OpaquePointer?, _ query: UnsafePointer<CChar>?,
  _ keysSchema: UnsafePointer<ArrowSchema>?, _ keys: UnsafeMutablePointer<ArrowArray>?,
  _ schema: UnsafeMutablePointer<ArrowSchema>?, _ rows: UnsafeMutablePointer<ArrowArray>?,
  _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let keyBatch = try unsafe takeKeys(keys, keysSchema)
    let schemaPlace = try unsafe required(schema, "place for the schema")
    let place = try unsafe required(rows, "place for the rows")
    let handle = try unsafe object(store, StoreHandle.self, "store")
    let json = try unsafe query == nil ? "" : text(query, "query")
    let asked = try handle.query(json)
    guard asked.valueFields == nil else {
      throw LarderError(.invalidArgument, "\"valueFields\" are those of an answer in messages.")
    }
    let answer = try OnlineAnswer(handle.store, keyBatch, asked)
    unsafe exportArrow(
      answer.batch.schema, dictionaries: answer.batch.columns.map(\.isDictionary),
      to: schemaPlace)
    unsafe exportArrow(answer.batch, to: place)
  }
}

/// Reads the latest features as Feast's messages; see `larder.h`.
@c @implementation public func larder_read_online_messages(
  _ store: OpaquePointer?, _ query: UnsafePointer<CChar>?,
  _ keysSchema: UnsafePointer<ArrowSchema>?, _ keys: UnsafeMutablePointer<ArrowArray>?,
  _ messages: TextPlace?, _ length: UnsafeMutablePointer<Int64>?,
  _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let keyBatch = try unsafe takeKeys(keys, keysSchema)
    let place = try unsafe required(messages, "place for the messages")
    let lengthPlace = try unsafe required(length, "place for the length")
    let handle = try unsafe object(store, StoreHandle.self, "store")
    let asked = try handle.query(try unsafe text(query, "query"))
    let answer = try handle.store.onlineFeatures(for: keyBatch, asked: asked.standing)
    let made = try FeatureVectors(answer, of: asked, keys: keyBatch.columns.count)
    try unsafe handOut(made.wire.bytes, to: place)
    unsafe lengthPlace.pointee = Int64(made.wire.count)
  }
}

/// Takes a caller's array of keys over; first of all, so that it is released whatever happens.
func takeKeys(
  _ keys: UnsafeMutablePointer<ArrowArray>?, _ schema: UnsafePointer<ArrowSchema>?
) throws(LarderError) -> RecordBatch {
  let keys = try unsafe required(keys, "array of keys")
  guard unsafe keys.pointee.release != nil else {
    throw LarderError(.invalidArgument, "The array of keys was released or consumed before.")
  }
  guard let schema = unsafe schema else {
    if let release = unsafe keys.pointee.release { unsafe release(keys) }
    throw LarderError(.invalidArgument, "The schema of the keys is NULL.")
  }
  return try unsafe importArrow(moving: keys, schema: schema)
}
