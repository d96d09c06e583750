import LarderColumns
import LarderFiles

/// Keeps the process alive when somebody else cuts an online table's file short.
///
/// A mapped page that is no longer in its file ends a process by SIGBUS. With the guard it reads as
/// zeros instead, which no checksum takes for a row, and the query that met it fails with
/// `corrupt`. Signal handlers belong to the whole process, so a library installs none unasked; the
/// command `larder` does. Larder itself never shortens a file.
public enum TruncationGuard {
  /// Installs the guard for the rest of the process's life; twice is once.
  ///
  /// SIGBUS that other memory raises goes to the handler that was there before.
  ///
  /// - Throws: `io` if the system refuses the handler.
  public static func install() throws(LarderError) { try MapGuard.install() }
}
