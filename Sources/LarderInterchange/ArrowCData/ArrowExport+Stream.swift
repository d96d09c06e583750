import CLarder
import Glibc
import LarderColumns

/// Where the batches of an exported stream come from.
package protocol BatchSource: AnyObject {
  /// The columns of every batch.
  var schema: Schema { get }
  /// Which columns are dictionary columns, in every batch.
  var dictionaries: [Bool] { get }
  /// The next batch, or nil after the last.
  func nextBatch() throws(LarderError) -> RecordBatch?
}

/// Exports batches as a stream of the C stream interface.
///
/// A failure is told as its message by `get_last_error`; the code behind `get_next` is `EIO`, or
/// `ECANCELED` where the caller cancelled.
///
/// - Parameters:
///   - source: held until the stream is released.
///   - target: overwritten; its `release` must be called once.
package func exportArrow(
  _ source: any BatchSource, to target: UnsafeMutablePointer<ArrowArrayStream>
) {
  var stream = unsafe ArrowArrayStream()
  unsafe stream.get_schema = streamSchema
  unsafe stream.get_next = streamNext
  unsafe stream.get_last_error = streamError
  unsafe stream.release = releaseStream
  unsafe stream.private_data = Unmanaged.passRetained(ExportedStream(source)).toOpaque()
  unsafe target.initialize(to: stream)
}

/// A source and the words of its last failure.
@safe private final class ExportedStream {
  let source: any BatchSource
  private(set) var words: UnsafeMutablePointer<CChar>?

  init(_ source: any BatchSource) { self.source = source }

  func tell(_ error: LarderError) {
    unsafe free(words)
    unsafe words = strdup(error.description)
  }

  deinit { unsafe free(words) }
}

private func exported(
  _ stream: UnsafeMutablePointer<ArrowArrayStream>?
) -> ExportedStream? {
  guard let data = unsafe stream?.pointee.private_data else { return nil }
  return unsafe Unmanaged<ExportedStream>.fromOpaque(data).takeUnretainedValue()
}

private func streamSchema(
  _ stream: UnsafeMutablePointer<ArrowArrayStream>?, _ target: UnsafeMutablePointer<ArrowSchema>?
) -> Int32 {
  guard let owner = unsafe exported(stream), let target = unsafe target else { return EINVAL }
  unsafe exportArrow(
    owner.source.schema, dictionaries: owner.source.dictionaries, to: target)
  return 0
}

private func streamNext(
  _ stream: UnsafeMutablePointer<ArrowArrayStream>?, _ target: UnsafeMutablePointer<ArrowArray>?
) -> Int32 {
  guard let owner = unsafe exported(stream), let target = unsafe target else { return EINVAL }
  do throws(LarderError) {
    if let batch = try owner.source.nextBatch() {
      unsafe exportArrow(batch, to: target)
    } else {
      // The end is an array that is released already.
      unsafe target.initialize(to: ArrowArray())
    }
    return 0
  } catch {
    owner.tell(error)
    return error.code == .cancelled ? ECANCELED : EIO
  }
}

private func streamError(
  _ stream: UnsafeMutablePointer<ArrowArrayStream>?
) -> UnsafePointer<CChar>? {
  unsafe UnsafePointer(exported(stream)?.words)
}

private func releaseStream(_ stream: UnsafeMutablePointer<ArrowArrayStream>?) {
  guard let stream = unsafe stream, unsafe stream.pointee.release != nil else { return }
  if let data = unsafe stream.pointee.private_data {
    unsafe Unmanaged<ExportedStream>.fromOpaque(data).release()
  }
  unsafe stream.pointee.release = nil
}
