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
    try unsafe handOut(found.json.write(indented: false), to: report)
  }
}

/// Lists the commits that can still be looked at; see `larder.h`.
@c @implementation public func larder_snapshots(
  _ store: OpaquePointer?, _ report: TextPlace?, _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let found = try unsafe object(store, StoreHandle.self, "store").store.snapshots()
    let list = found.map { snapshot in
      JSONValue.object([
        "commit": .integer(snapshot.commit.id), "time": .text("\(snapshot.commit.time)"),
        "chainHash": .text(String(snapshot.commit.chainHash, radix: 16)),
        "tags": .array(snapshot.tags.map { .text($0) }), "isHead": .bool(snapshot.isHead),
        "isPinned": .bool(snapshot.isPinned),
      ])
    }
    try unsafe handOut(JSONValue.array(list).write(indented: false), to: report)
  }
}

/// Checks what the store holds; see `larder.h`.
@c @implementation public func larder_verify(
  _ store: OpaquePointer?, _ report: TextPlace?, _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let found = try unsafe object(store, StoreHandle.self, "store").store.verify()
    try unsafe handOut(found.json.write(indented: false), to: report)
  }
}
