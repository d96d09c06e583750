extension LarderError {
  /// The kinds of failure.
  ///
  /// The raw values are shared with the C interface and never change.
  public enum Code: Int32, Sendable, Hashable, CaseIterable {
    /// An argument that no store could accept: a negative duration, an empty name.
    case invalidArgument = 1
    /// Rows or files of the caller's that the view or the format does not allow.
    case invalidInput = 2
    /// A definition that contradicts what the store holds.
    case incompatibleDefinition = 3
    /// A view, feature, column, entity, service or commit of that name does not exist.
    case notFound = 4
    /// Bytes on disk contradict their checksum, their bounds or one another.
    case corrupt = 5
    /// A file written by a later version, or with a flag this version does not know.
    case unsupportedVersion = 6
    /// Another process holds the lock, and did so for the whole lock time-out.
    case locked = 7
    /// A limit of the engine or a budget of the caller's would be exceeded.
    case limitExceeded = 8
    /// A system call failed.
    case io = 9
    /// The disk is full.
    case noSpace = 10
    /// The process may not read or write there.
    case permissionDenied = 11
    /// The store was opened read-only, or this object cannot be written to.
    case readOnly = 12
    /// A sync failed: the commit may or may not survive a crash. Reopen to learn which.
    case outcomeUnknown = 13
    /// An earlier sync failed and the writer must be reopened.
    case poisoned = 14
    /// The caller cancelled.
    case cancelled = 15
    /// The store was opened by the parent of this forked process.
    case forked = 16
    /// The object was closed.
    case closed = 17
    /// The path holds something that is not a Larder store.
    case notAStore = 18
    /// A store exists where a new one was asked for.
    case alreadyExists = 19
    /// The request is understood and not offered, such as a file system that cannot be trusted.
    case unsupported = 20
    /// What a command had read changed before it could commit; nothing was written. Try again.
    case conflict = 21
  }
}

extension LarderError.Code {
  /// How a code is told to a shell and to Python.
  ///
  /// The one table of the project.
  public var outcome: (exitCode: Int32, pythonException: String) {
    switch self {
    case .invalidArgument: (2, "InvalidArgumentError")
    case .invalidInput: (3, "InvalidInputError")
    case .incompatibleDefinition: (3, "IncompatibleDefinitionError")
    case .notFound: (4, "NotFoundError")
    case .corrupt: (5, "CorruptError")
    case .unsupportedVersion: (5, "UnsupportedVersionError")
    case .locked: (6, "LockedError")
    case .limitExceeded: (7, "LimitExceededError")
    case .io: (8, "StorageError")
    case .noSpace: (8, "NoSpaceError")
    case .permissionDenied: (8, "PermissionDeniedError")
    case .readOnly: (8, "ReadOnlyError")
    case .outcomeUnknown: (8, "OutcomeUnknownError")
    case .poisoned: (8, "PoisonedError")
    case .cancelled: (130, "CancelledError")
    case .forked: (8, "ForkedError")
    case .closed: (2, "ClosedError")
    case .notAStore: (8, "NotAStoreError")
    case .alreadyExists: (3, "AlreadyExistsError")
    case .unsupported: (3, "UnsupportedError")
    case .conflict: (6, "ConflictError")
    }
  }
}
