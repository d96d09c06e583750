import CLarder
import LarderColumns

/// Reads a stream of the C stream interface as batches of columns.
///
/// The stream is released when the reader goes; the batches live as long as they are held.
@safe package final class ArrowStreamReader {
  /// The columns of every batch.
  package let schema: Schema

  /// Columns whose type is null: they hold nothing, and may be of any type.
  package var nullColumns: Set<String> { columns.nullColumns }

  private let columns: ArrowImport
  private let stream: UnsafeMutablePointer<ArrowArrayStream>

  /// Takes a stream over: its struct is moved from, and marked released in its place.
  ///
  /// - Throws: `unsupported` for a column that is not read, by name; `invalidInput` for a stream
  ///   that is released already, or fails to tell its type.
  package init(moving source: UnsafeMutablePointer<ArrowArrayStream>) throws(LarderError) {
    guard unsafe source.pointee.release != nil else {
      throw LarderError(.invalidArgument, "The Arrow stream was released or consumed before.")
    }
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: source.pointee)
    unsafe source.pointee.release = nil
    do throws(LarderError) {
      columns = try unsafe ArrowStreamReader.columns(of: stream)
    } catch {
      unsafe ArrowStreamReader.release(stream)
      throw error
    }
    schema = columns.schema
  }

  deinit { unsafe ArrowStreamReader.release(stream) }

  /// The next rows, or nil after the last.
  ///
  /// - Throws: `invalidInput` for what the producer says went wrong, or for an array that the
  ///   specification does not allow, with its column; `limitExceeded`.
  package func nextBatch() throws(LarderError) -> RecordBatch? {
    guard let next = unsafe stream.pointee.get_next else {
      throw .malformed("The Arrow stream cannot be read from.")
    }
    while true {
      var array = unsafe ArrowArray()
      let status = unsafe next(stream, &array)
      guard status == 0 else { throw unsafe ArrowStreamReader.failure(stream, status) }
      guard unsafe array.release != nil else { return nil }
      let batch = try unsafe columns.batch(moving: &array)
      if batch.count > 0 { return batch }
    }
  }

  private static func columns(
    of stream: UnsafeMutablePointer<ArrowArrayStream>
  ) throws(LarderError) -> ArrowImport {
    guard let tell = unsafe stream.pointee.get_schema else {
      throw .malformed("The Arrow stream does not tell its type.")
    }
    var schema = unsafe ArrowSchema()
    let status = unsafe tell(stream, &schema)
    guard status == 0 else { throw unsafe failure(stream, status) }
    defer { if let release = unsafe schema.release { unsafe release(&schema) } }
    return try unsafe ArrowImport(schema)
  }

  /// What the producer says went wrong.
  private static func failure(
    _ stream: UnsafeMutablePointer<ArrowArrayStream>, _ status: Int32
  ) -> LarderError {
    var words = "it does not say why"
    if let tell = unsafe stream.pointee.get_last_error, let text = unsafe tell(stream) {
      words = unsafe String(cString: text)
    }
    return LarderError(
      .invalidInput, "The Arrow stream failed: \(words).", systemError: status)
  }

  private static func release(_ stream: UnsafeMutablePointer<ArrowArrayStream>) {
    if let release = unsafe stream.pointee.release { unsafe release(stream) }
    unsafe stream.deinitialize(count: 1)
    unsafe stream.deallocate()
  }
}
