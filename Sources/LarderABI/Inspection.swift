import CLarder
import Larder
import LarderColumns
import LarderContract

/// Tells what the store holds; see `larder.h`.
@c @implementation public func larder_info(
  _ store: OpaquePointer?, _ report: TextPlace?, _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let found = try unsafe object(store, StoreHandle.self, "store").store.info()
    try unsafe handOut(report: found, to: report)
  }
}

/// Checks what the store holds; see `larder.h`.
@c @implementation public func larder_verify(
  _ store: OpaquePointer?, _ options: UnsafePointer<CChar>?, _ report: TextPlace?,
  _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let store = try unsafe object(store, StoreHandle.self, "store").store
    let given = try unsafe Options(options, "options", allowed: ["deep"])
    let found = try store.verify(deep: try given.bool("deep"))
    try unsafe handOut(report: found, to: report)
  }
}
