import CLarder
import Larder
import LarderColumns
import LarderContract

/// Erases entities; see `larder.h`.
@c @implementation public func larder_forget(
  _ store: OpaquePointer?, _ entity: UnsafePointer<CChar>?, _ options: UnsafePointer<CChar>?,
  _ keysSchema: UnsafePointer<ArrowSchema>?, _ keys: UnsafeMutablePointer<ArrowArray>?,
  _ certificate: TextPlace?, _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let batch = try unsafe takeKeys(keys, keysSchema)
    let store = try unsafe object(store, StoreHandle.self, "store").store
    let given = try unsafe Options(options, "options", allowed: ["timeout", "dryRun"])
    let made = try store.erase(
      try unsafe text(entity, "entity"), keys: batch,
      timeout: try given.duration("timeout", default: .zero),
      dryRun: try given.bool("dryRun"))
    try unsafe handOut(report: made, to: certificate)
  }
}

/// Finishes erasures that something kept from being finished; see `larder.h`.
@c @implementation public func larder_finish_erasures(
  _ store: OpaquePointer?, _ options: UnsafePointer<CChar>?, _ certificate: TextPlace?,
  _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let store = try unsafe object(store, StoreHandle.self, "store").store
    let given = try unsafe Options(options, "options", allowed: ["timeout"])
    let made = try store.finishErasures(timeout: try given.duration("timeout", default: .zero))
    try unsafe handOut(report: made, to: certificate)
  }
}
