import Larder
import LarderColumns
import LarderContract
import Synchronization

/// What a `larder_store *` stands for.
final class StoreHandle: Sendable {
  let store: FeatureStore
  /// Queries for the latest features by their text.
  let queries = ForkSafeMutex<[String: OnlineQuery]>([:])

  init(_ store: FeatureStore) { self.store = store }
}

/// What a `larder_job *` stands for: a query and whether it was cancelled.
final class JobHandle: Sendable {
  let job: any RetrievalJob
  /// Which columns of the result are dictionary columns.
  let dictionaries: [Bool]
  let cancellation: Cancellation

  init(_ job: any RetrievalJob, dictionaries: [Bool], cancellation: Cancellation) {
    self.job = job
    self.dictionaries = dictionaries
    self.cancellation = cancellation
  }
}

/// A flag that a query looks at between chunks.
final class Cancellation: Sendable {
  private let flag = Atomic(false)

  var isCancelled: Bool { flag.load(ordering: .relaxed) }

  func cancel() { flag.store(true, ordering: .relaxed) }

  func check() throws(LarderError) {
    if isCancelled { throw LarderError(.cancelled, "The query was cancelled.") }
  }
}

/// Hands an object to C, which gives it back to `free`.
///
/// - Throws: `limitExceeded` if C holds too many.
func handOut(_ object: some AnyObject & Sendable) throws(LarderError) -> OpaquePointer? {
  let handle = try HandleTable.current.add(object)
  return unsafe OpaquePointer(bitPattern: UInt(handle.bits))
}

/// The object behind a handle, which lives at least as long as the caller holds it.
///
/// - Throws: `invalidArgument` for a null pointer and for what is no handle of this kind, `closed`
///   for one that was given back, `forked` for one of a parent process.
func object<Object: AnyObject & Sendable>(
  _ handle: OpaquePointer?, _ type: Object.Type, _ name: String
) throws(LarderError) -> Object {
  guard let handle = unsafe handle else {
    throw LarderError(.invalidArgument, "The \(name) is NULL.")
  }
  let known = try HandleTable.current.object(Handle(bits: UInt64(UInt(bitPattern: handle))), name)
  guard let object = known as? Object else {
    throw LarderError(.invalidArgument, "The \(name) is a handle of another kind.")
  }
  return object
}

/// Takes a handle back; null is allowed, and so is one that was given back before, or is no handle
/// of this process.
func takeBack<Object: AnyObject & Sendable>(_ handle: OpaquePointer?, _ type: Object.Type) {
  guard let handle = unsafe handle else { return }
  HandleTable.current.remove(Handle(bits: UInt64(UInt(bitPattern: handle))), type)
}
