import CLarder
import Larder
import LarderColumns
import LarderContract

/// Opens an earlier state of a store by its tag; see `larder.h`.
@c @implementation public func larder_snapshot_tagged(
  _ store: OpaquePointer?, _ tag: UnsafePointer<CChar>?, _ past: HandlePlace?,
  _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let place = try unsafe required(past, "place for the store")
    let handle = try unsafe object(store, StoreHandle.self, "store")
    let found = try handle.store.snapshot(tagged: try unsafe text(tag, "tag"))
    unsafe place.pointee = try handOut(StoreHandle(found))
  }
}

/// Lists the commits that can still be looked at; see `larder.h`.
@c @implementation public func larder_snapshots(
  _ store: OpaquePointer?, _ report: TextPlace?, _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let found = try unsafe object(store, StoreHandle.self, "store").store.snapshots()
    try unsafe handOut(report: found, to: report)
  }
}

/// Finds the commit that a text names; see `larder.h`.
@c @implementation public func larder_find_commit(
  _ store: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ commit: TextPlace?,
  _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let store = try unsafe object(store, StoreHandle.self, "store").store
    let found = try store.commit(named: try unsafe text(name, "name"))
    try unsafe handOut(report: found, to: commit)
  }
}

/// Gives a commit a name; see `larder.h`.
@c @implementation public func larder_tag(
  _ store: OpaquePointer?, _ tag: UnsafePointer<CChar>?, _ options: UnsafePointer<CChar>?,
  _ commit: TextPlace?, _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let store = try unsafe object(store, StoreHandle.self, "store").store
    let given = try unsafe Options(options, "options", allowed: ["commit"])
    var number: UInt64?
    if given.isText("commit"), let name = try given.string("commit") {
      number = try store.commit(named: name).id
    } else {
      number = try given.count("commit").map { UInt64($0) }
    }
    let tagged = try store.tag(try unsafe text(tag, "tag"), at: number)
    try unsafe handOut(report: tagged, to: commit)
  }
}

/// Removes the name of a commit; see `larder.h`.
@c @implementation public func larder_remove_tag(
  _ store: OpaquePointer?, _ tag: UnsafePointer<CChar>?,
  _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let store = try unsafe object(store, StoreHandle.self, "store").store
    try store.removeTag(try unsafe text(tag, "tag"))
  }
}

/// Makes an earlier state the newest again; see `larder.h`.
@c @implementation public func larder_rollback(
  _ store: OpaquePointer?, _ commit: UInt64, _ options: UnsafePointer<CChar>?,
  _ report: TextPlace?, _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let store = try unsafe object(store, StoreHandle.self, "store").store
    let given = try unsafe Options(options, "options", allowed: ["dryRun"])
    let made = try store.rollback(to: commit, dryRun: try given.bool("dryRun"))
    try unsafe handOut(report: made, to: report)
  }
}
