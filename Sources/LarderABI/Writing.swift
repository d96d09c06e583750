import CLarder
import Larder
import LarderColumns
import LarderContract
import LarderInterchange

/// A caller's stream of rows.
public typealias StreamPointer = UnsafeMutablePointer<ArrowArrayStream>

/// Adds rows to history; see `larder.h`.
@c @implementation public func larder_append(
  _ store: OpaquePointer?, _ view: UnsafePointer<CChar>?, _ rows: StreamPointer?,
  _ commit: TextPlace?, _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let reader = try unsafe stream(rows)
    let store = try unsafe object(store, StoreHandle.self, "store").store
    let name = try unsafe text(view, "view")
    let appender = try store.appender(to: name)
    try unsafe write(reader, to: store.view(named: name), with: appender, commit)
  }
}

/// Replaces rows of history; see `larder.h`.
@c @implementation public func larder_replace(
  _ store: OpaquePointer?, _ view: UnsafePointer<CChar>?, _ options: UnsafePointer<CChar>?,
  _ rows: StreamPointer?, _ commit: TextPlace?, _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let reader = try unsafe stream(rows)
    let store = try unsafe object(store, StoreHandle.self, "store").store
    let given = try unsafe Options(options, "options", allowed: ["from", "through"])
    let name = try unsafe text(view, "view")
    let replacer = try store.replacer(
      of: name, from: try given.time("from"), through: try given.time("through"))
    try unsafe write(reader, to: store.view(named: name), with: replacer, commit)
  }
}

/// Takes a caller's stream over; first of all, so that it is released whatever happens.
func stream(_ rows: StreamPointer?) throws(LarderError) -> ArrowStreamReader {
  try unsafe ArrowStreamReader(moving: required(rows, "stream of rows"))
}

private func write(
  _ reader: ArrowStreamReader, to view: FeatureView, with appender: BatchAppender,
  _ place: TextPlace?
) throws(LarderError) {
  let conversion = ViewConversion(to: view)
  var before = 0
  do throws(LarderError) {
    while let batch = try reader.nextBatch() {
      try appender.append(conversion.convert(batch, nulls: reader.nullColumns))
      before += batch.count
    }
  } catch {
    appender.abandon()
    throw error.counted(from: before)
  }
  let commit = try appender.commit()
  try unsafe handOut(report: CommittedRows(commit: commit, rows: before), to: place)
}

extension LarderError {
  /// The error with its row counted from the first row of the stream.
  func counted(from rows: Int) -> LarderError {
    var error = self
    if let row { error.row = row + rows }
    return error
  }
}

/// A commit that brought rows.
struct CommittedRows: Encodable {
  var commit: Commit
  var rows: Int

  private enum CodingKeys: String, CodingKey { case rows }

  func encode(to encoder: any Encoder) throws {
    try commit.encode(to: encoder)
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(rows, forKey: .rows)
  }
}
