/// What goes wrong at some operation of a simulated file system.
package struct SimulatedFault: Sendable, Hashable {
  /// The kinds of failure.
  package enum Kind: Sendable, Hashable, CaseIterable {
    /// EIO; the operation does nothing.
    case io
    /// ENOSPC, of operations that take space; they do nothing.
    case noSpace
    /// A write ends after a part of its bytes, with EIO.
    case shortWrite
    /// A sync fails with EIO, and what was dirty counts as clean from then on: the next sync
    /// succeeds and is a lie.
    case lostSync

    /// Whether this can happen to such an operation.
    package func applies(to operation: SimulatedOperation.Kind) -> Bool {
      switch self {
      // A store has no way to fail.
      case .io: operation != .store
      case .noSpace:
        switch operation {
        case .create, .write, .reserve, .makeDirectory, .link, .sync, .syncDirectory: true
        default: false
        }
      case .shortWrite: operation == .write
      case .lostSync: operation == .sync
      }
    }
  }

  /// What happens.
  package var kind: Kind
  /// The number of the first operation it may happen to; the first operation is 1.
  package var operation: Int
  /// Whether it happens to every later operation too that it applies to.
  package var isSticky: Bool
  /// The one process that it happens to; nil for whichever comes.
  package var process: Int?

  package init(
    _ kind: Kind, at operation: Int, isSticky: Bool = false,
    of process: SimulatedFileSystem? = nil
  ) {
    self.kind = kind
    self.operation = operation
    self.isSticky = isSticky
    self.process = process?.process
  }
}

/// An operation that was asked of a simulated file system.
package struct SimulatedOperation: Sendable, Hashable, CustomStringConvertible {
  /// The kinds of operation; locks are none of them, since they touch no disk.
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    case create, open, status, names, makeDirectory, syncDirectory, remove, removeDirectory, link
    case read, write, sync, reserve, map, mapShared
    /// A store through a shared map, such as that of STATE.
    case store

    /// Whether it can change what a disk holds; a crash before any other is no new case.
    package var isChange: Bool {
      switch self {
      case .create, .makeDirectory, .syncDirectory, .remove, .removeDirectory, .link, .write,
        .sync, .reserve, .store:
        true
      case .open, .status, .names, .read, .map, .mapShared: false
      }
    }
  }

  /// Its place in the order of all operations of the machine; the first is 1.
  package var number: Int
  package var kind: Kind
  package var path: String

  package var description: String { "#\(number) \(kind.rawValue) \(path)" }
}
