import CLarderKernels
import LarderColumns

/// Watches maps of files that others might cut short; see `larder_map_guard_install`.
package enum MapGuard {
  /// Turns missing pages of watched maps into zeros from now on.
  ///
  /// - Throws: `io`.
  package static func install() throws(LarderError) {
    let failure = larder_map_guard_install()
    if failure != 0 {
      throw LarderError(.io, "Cannot handle SIGBUS.", systemError: failure)
    }
  }

  /// How many missing pages were met so far in all maps.
  package static var hits: UInt64 { larder_map_guard_all_hits() }
}

/// A map's place in the guard.
struct GuardedMap: Sendable {
  private let number: Int32

  init(_ start: UnsafeRawPointer, _ bytes: Int) {
    number = unsafe larder_map_guard_enter(start, bytes)
  }

  /// Whether a page was found missing.
  var isTruncated: Bool { larder_map_guard_hits(number) != 0 }

  /// Called before the map goes.
  func leave() { larder_map_guard_leave(number) }
}
