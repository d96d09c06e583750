import CLarder
import Larder
import LarderColumns
import LarderContract

/// Brings rows together; see `larder.h`.
@c @implementation public func larder_compact(
  _ store: OpaquePointer?, _ options: UnsafePointer<CChar>?, _ report: TextPlace?,
  _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let store = try unsafe object(store, StoreHandle.self, "store").store
    let given = try unsafe Options(
      options, "options",
      allowed: ["views", "partitions", "cold", "dedupe", "maxSeconds", "dryRun"])
    var wanted = CompactionOptions(
      partitions: try given.strings("partitions") ?? [], isCold: try given.bool("cold"),
      dropsRepeated: try given.bool("dedupe"), isDryRun: try given.bool("dryRun"))
    if given.has("maxSeconds") {
      let (seconds, attoseconds) = try given.duration("maxSeconds", default: .zero).components
      wanted.maxSeconds = Double(seconds) + Double(attoseconds) / 1e18
    }
    let made = try store.compact(try given.strings("views") ?? [], wanted)
    try unsafe handOut(report: made, to: report)
  }
}
