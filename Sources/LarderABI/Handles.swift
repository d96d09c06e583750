import Larder
import LarderColumns
import LarderContract
import Synchronization

/// What a `larder_store *` points to.
final class StoreHandle: Sendable {
  let store: FeatureStore
  /// Questions for the latest features by their text.
  let questions = Mutex<[String: OnlineQuestion]>([:])

  init(_ store: FeatureStore) { self.store = store }
}

/// What a `larder_job *` points to: a question and whether it was cancelled.
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

/// A flag that a question looks at between chunks.
final class Cancellation: Sendable {
  private let flag = Atomic(false)

  var isCancelled: Bool { flag.load(ordering: .relaxed) }

  func cancel() { flag.store(true, ordering: .relaxed) }

  func check() throws(LarderError) {
    if isCancelled { throw LarderError(.cancelled, "The question was cancelled.") }
  }
}

/// Hands an object to C, which gives it back to `free`.
func handOut(_ object: some AnyObject) -> OpaquePointer {
  unsafe OpaquePointer(Unmanaged.passRetained(object).toOpaque())
}

/// The object behind a handle.
///
/// - Throws: `invalidArgument` for a null pointer, by name.
func object<Object: AnyObject>(
  _ handle: OpaquePointer?, _ type: Object.Type, _ name: String
) throws(LarderError) -> Object {
  guard let handle = unsafe handle else {
    throw LarderError(.invalidArgument, "The \(name) is NULL.")
  }
  return unsafe Unmanaged<Object>.fromOpaque(UnsafeRawPointer(handle)).takeUnretainedValue()
}

/// Takes a handle back; null is allowed.
func takeBack<Object: AnyObject>(_ handle: OpaquePointer?, _ type: Object.Type) {
  guard let handle = unsafe handle else { return }
  unsafe Unmanaged<Object>.fromOpaque(UnsafeRawPointer(handle)).release()
}
