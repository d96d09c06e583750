import CLarder
import Glibc
import Larder
import LarderColumns
import LarderContract

/// A place for a handle.
public typealias HandlePlace = UnsafeMutablePointer<OpaquePointer?>
/// A place for text.
public typealias TextPlace = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

/// Texts that live as long as the library.
@safe private enum Constants {
  nonisolated(unsafe) static let version = unsafe UnsafePointer<CChar>(
    strdup(LarderVersion.current))
  /// By code; 0 has none.
  nonisolated(unsafe) static let names: [Int32: UnsafePointer<CChar>?] = unsafe Dictionary(
    uniqueKeysWithValues: LarderError.Code.allCases.map { code in
      unsafe (code.rawValue, UnsafePointer<CChar>(strdup(code.outcome.pythonException)))
    })
}

/// The version of the library; see `larder.h`.
@c @implementation public func larder_version() -> UnsafePointer<CChar>? {
  unsafe Constants.version
}

/// The name of a code; see `larder.h`.
@c @implementation public func larder_code_name(_ code: Int32) -> UnsafePointer<CChar>? {
  unsafe Constants.names[code] ?? nil
}

/// Frees text; see `larder.h`.
@c @implementation public func larder_text_free(_ text: UnsafeMutablePointer<CChar>?) {
  unsafe free(text)
}

/// Opens a store; see `larder.h`.
@c @implementation public func larder_open(
  _ path: UnsafePointer<CChar>?, _ options: UnsafePointer<CChar>?, _ store: HandlePlace?,
  _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let place = try unsafe required(store, "place for the store")
    let given = try unsafe Options(
      options, "options",
      allowed: [
        "access", "lockTimeout", "keepSnapshots", "folds", "allowsSharedDirectory",
        "appendBufferBytes", "threads", "onlineDurability",
      ])
    let opened = try FeatureStore(
      at: try unsafe text(path, "path"), access: try access(given), options: try storeOptions(given)
    )
    unsafe place.pointee = try handOut(StoreHandle(opened))
  }
}

/// Opens an earlier state of a store; see `larder.h`.
@c @implementation public func larder_snapshot(
  _ store: OpaquePointer?, _ commit: UInt64, _ past: HandlePlace?,
  _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let place = try unsafe required(past, "place for the store")
    let handle = try unsafe object(store, StoreHandle.self, "store")
    unsafe place.pointee = try handOut(StoreHandle(try handle.store.snapshot(at: commit)))
  }
}

/// Closes a store; see `larder.h`.
@c @implementation public func larder_close(_ store: OpaquePointer?) {
  unsafe takeBack(store, StoreHandle.self)
}

/// A pointer that must not be null.
func required<Pointee>(
  _ pointer: UnsafeMutablePointer<Pointee>?, _ name: String
) throws(LarderError) -> UnsafeMutablePointer<Pointee> {
  guard let pointer = unsafe pointer else {
    throw LarderError(.invalidArgument, "The \(name) is NULL.")
  }
  return unsafe pointer
}

private func access(_ options: Options) throws(LarderError) -> StoreAccess {
  switch try options.string("access") {
  case nil, "create": .create
  case "readWrite": .readWrite
  case "readOnly": .readOnly
  case let other?:
    throw LarderError(
      .invalidArgument, "The access is create, readWrite or readOnly, not \"\(other)\".")
  }
}

private func storeOptions(_ given: Options) throws(LarderError) -> StoreOptions {
  var options = StoreOptions()
  options.lockTimeout = try given.duration("lockTimeout", default: options.lockTimeout)
  options.keepSnapshots = try given.duration("keepSnapshots", default: options.keepSnapshots)
  options.fold =
    try given.bool("folds", default: options.fold == .afterAppend) ? .afterAppend : .off
  options.allowsSharedDirectory = try given.bool("allowsSharedDirectory")
  if let bytes = try given.count("appendBufferBytes") { options.appendBufferBytes = bytes }
  options.threads = try given.count("threads")
  if let name = try given.string("onlineDurability") {
    guard let durability = OnlineDurability(rawValue: name) else {
      throw LarderError(
        .invalidArgument, "The online durability is batch or process, not \"\(name)\".")
    }
    options.onlineDurability = durability
  }
  return options
}
