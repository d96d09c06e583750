import CLarder
import Larder
import LarderColumns
import LarderContract

/// Rebuilds what is derived and damaged; see `larder.h`.
@c @implementation public func larder_repair(
  _ store: OpaquePointer?, _ options: UnsafePointer<CChar>?, _ report: TextPlace?,
  _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let store = try unsafe object(store, StoreHandle.self, "store").store
    let given = try unsafe Options(options, "options", allowed: ["dryRun"])
    let made = try store.repair(dryRun: try given.bool("dryRun"))
    try unsafe handOut(report: made, to: report)
  }
}

/// Copies the store; see `larder.h`.
@c @implementation public func larder_backup(
  _ store: OpaquePointer?, _ path: UnsafePointer<CChar>?, _ report: TextPlace?,
  _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let store = try unsafe object(store, StoreHandle.self, "store").store
    let made = try store.backup(to: try unsafe text(path, "path"))
    try unsafe handOut(report: made, to: report)
  }
}
