@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// What is fed, set once before the first input.
///
/// libFuzzer takes a function of C, which cannot carry it along.
nonisolated(unsafe) private var subject: ([UInt8]) -> Void = { _ in }

/// Feeds a function what libFuzzer makes up, by the options of the command line.
package func fuzz(_ survive: @escaping ([UInt8]) -> Void) {
  subject = survive
  var count = CommandLine.argc
  var arguments = CommandLine.unsafeArgv
  _ = runDriver(&count, &arguments) { bytes, length in
    subject(Array(UnsafeBufferPointer(start: bytes, count: length)))
    return 0
  }
}
