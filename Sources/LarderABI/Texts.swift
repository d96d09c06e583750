import Glibc
import LarderColumns
import LarderContract

/// A caller's text.
///
/// - Throws: `invalidArgument` for a null pointer, by name, or what is not UTF-8.
func text(_ pointer: UnsafePointer<CChar>?, _ name: String) throws(LarderError) -> String {
  guard let pointer = unsafe pointer else {
    throw LarderError(.invalidArgument, "The \(name) is NULL.")
  }
  guard let text = unsafe String(validatingCString: pointer) else {
    throw LarderError(.invalidArgument, "The \(name) is not UTF-8.")
  }
  return text
}

/// Hands a report to C as JSON; a null place wants none, and costs nothing.
func handOut(
  report: some Encodable, to target: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) throws(LarderError) {
  guard unsafe target != nil else { return }
  let json = try report.json(indented: false)
  try unsafe handOut(json, to: target)
}

/// Hands text to C, which gives it back to `larder_text_free`; a null place wants none.
func handOut(
  _ bytes: @autoclosure () -> [UInt8],
  to target: UnsafeMutablePointer<
    UnsafeMutablePointer<CChar>?
  >?
) throws(LarderError) {
  guard let target = unsafe target else { return }
  let bytes = bytes()
  guard let copy = unsafe malloc(bytes.count + 1) else {
    throw LarderError(.limitExceeded, "There is no memory for a text of \(bytes.count) bytes.")
  }
  unsafe bytes.withUnsafeBytes { source in
    if let start = source.baseAddress {
      unsafe copy.copyMemory(from: start, byteCount: source.count)
    }
  }
  unsafe copy.storeBytes(of: 0, toByteOffset: bytes.count, as: UInt8.self)
  unsafe target.pointee = copy.assumingMemoryBound(to: CChar.self)
}
