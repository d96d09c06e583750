import CLarder
import Larder
import LarderColumns
import LarderContract

/// Takes old rows of a view away; see `larder.h`.
@c @implementation public func larder_expire(
  _ store: OpaquePointer?, _ view: UnsafePointer<CChar>?, _ options: UnsafePointer<CChar>?,
  _ report: TextPlace?, _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let store = try unsafe object(store, StoreHandle.self, "store").store
    let given = try unsafe Options(options, "options", allowed: ["olderThan", "dryRun"])
    guard given.has("olderThan") else {
      throw LarderError(
        .invalidArgument, "\"olderThan\" is missing: the age beyond which rows expire.")
    }
    let made = try store.expire(
      try unsafe text(view, "view"), olderThan: try given.duration("olderThan", default: .zero),
      dryRun: try given.bool("dryRun"))
    try unsafe handOut(report: made, to: report)
  }
}

/// Removes what earlier snapshots keep; see `larder.h`.
@c @implementation public func larder_vacuum(
  _ store: OpaquePointer?, _ options: UnsafePointer<CChar>?, _ report: TextPlace?,
  _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let store = try unsafe object(store, StoreHandle.self, "store").store
    let given = try unsafe Options(options, "options", allowed: ["keep", "dryRun"])
    let made = try store.vacuum(
      keeping: try given.duration("keep", default: .zero), dryRun: try given.bool("dryRun"))
    try unsafe handOut(report: made, to: report)
  }
}
