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
    let given = try unsafe Options(options, "options", allowed: ["patience", "dryRun"])
    let made = try store.forget(
      try unsafe text(entity, "entity"), keys: batch,
      patience: try given.duration("patience", default: .zero),
      dryRun: try given.bool("dryRun"))
    try unsafe handOut(made.json.write(indented: false), to: certificate)
  }
}

/// Finishes erasures that something kept from being finished; see `larder.h`.
@c @implementation public func larder_finish_erasures(
  _ store: OpaquePointer?, _ options: UnsafePointer<CChar>?, _ certificate: TextPlace?,
  _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let store = try unsafe object(store, StoreHandle.self, "store").store
    let given = try unsafe Options(options, "options", allowed: ["patience"])
    let made = try store.finishErasures(patience: try given.duration("patience", default: .zero))
    try unsafe handOut((made?.json ?? .null).write(indented: false), to: certificate)
  }
}
