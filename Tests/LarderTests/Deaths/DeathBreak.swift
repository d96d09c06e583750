import LarderFiles
import LarderOffline

/// What is broken in the processes of a case, for the tests of these tests.
struct DeathBreak: Sendable {
  /// Rules of the commit protocol that are left out.
  var omitted: OmittedRules = []
  /// The one command whose process is broken; nil for all processes.
  var command: DeathCommand?
  /// What stands before the disk.
  var files: @Sendable (any FileSystem) -> any FileSystem = { $0 }

  /// What is broken in a process that does something.
  ///
  /// - Parameter command: nil for who only looks.
  func confined(to command: DeathCommand?) -> DeathBreak {
    self.command == nil || self.command == command ? self : DeathBreak()
  }
}
