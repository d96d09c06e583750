import CLarder
import Larder
import LarderColumns
import LarderContract

/// Makes definitions known; see `larder.h`.
@c @implementation public func larder_apply(
  _ store: OpaquePointer?, _ definitions: UnsafePointer<CChar>?, _ options: UnsafePointer<CChar>?,
  _ changes: TextPlace?, _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let store = try unsafe object(store, StoreHandle.self, "store").store
    let given = try unsafe Options(options, "options", allowed: ["dropping", "dryRun"])
    let json = try unsafe Array(text(definitions, "definitions").utf8)
    let wanted = try Definitions(json: json, knowing: try store.definitions().entities)
    let made = try store.apply(
      wanted, dropping: try given.bool("dropping"), dryRun: try given.bool("dryRun"))
    try unsafe handOut(report: made, to: changes)
  }
}

/// Tells what the store knows; see `larder.h`.
@c @implementation public func larder_definitions(
  _ store: OpaquePointer?, _ definitions: TextPlace?, _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let known = try unsafe object(store, StoreHandle.self, "store").store.definitions()
    try unsafe handOut(known.json, to: definitions)
  }
}

/// Drops a view; see `larder.h`.
@c @implementation public func larder_drop(
  _ store: OpaquePointer?, _ view: UnsafePointer<CChar>?, _ options: UnsafePointer<CChar>?,
  _ changes: TextPlace?, _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let store = try unsafe object(store, StoreHandle.self, "store").store
    let given = try unsafe Options(options, "options", allowed: ["dryRun"])
    let made = try store.drop(
      view: try unsafe text(view, "view"), dryRun: try given.bool("dryRun"))
    try unsafe handOut(report: made, to: changes)
  }
}
