import Glibc
import Larder
import Synchronization

/// Ctrl-C, SIGTERM, and SIGHUP of a terminal that goes: the work at hand ends between two batches, and
/// nothing half done is committed.
enum Interrupt {
  /// Whether the user has asked to stop.
  static var isRequested: Bool { requested.load(ordering: .relaxed) }

  private static let requested = Atomic<Bool>(false)

  /// Begins to listen.
  ///
  /// A second Ctrl-C ends the process at once, which the store survives too.
  static func watch() {
    // Touched here, so that the handler finds it made.
    _ = requested.load(ordering: .relaxed)
    // A parent may have blocked them, as threads of some runtimes do; masks are inherited.
    var listened = sigset_t()
    unsafe sigemptyset(&listened)
    for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE] { unsafe sigaddset(&listened, number) }
    unsafe sigprocmask(SIG_UNBLOCK, &listened, nil)
    // A file that would exceed the limit of file size is an error of the write, not the end.
    unsafe signal(SIGXFSZ, SIG_IGN)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      // A parent such as nohup may want the command to outlive the terminal.
      if number == SIGHUP, isIgnored(number) { continue }
      var action = sigaction()
      unsafe action.__sigaction_handler.sa_handler = { _ in
        Interrupt.requested.store(true, ordering: .relaxed)
      }
      action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND)) | SA_RESTART
      unsafe sigaction(number, &action, nil)
    }
  }

  private static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    guard unsafe sigaction(number, nil, &action) == 0 else { return false }
    let handler = unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
    let ignoring = unsafe unsafeBitCast(SIG_IGN, to: Int.self)
    return handler == ignoring
  }

  /// Ends the work if the user has asked to stop.
  ///
  /// - Throws: `cancelled`.
  static func check() throws(LarderError) {
    if isRequested { throw LarderError(.cancelled, "Interrupted.") }
  }
}

/// Ends the process.
func exitProcess(_ code: Int32) -> Never { exit(code) }
