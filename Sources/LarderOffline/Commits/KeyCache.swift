import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// The newest key directory of each join-key set, shared by all snapshots and by the appender.
final class KeyCache: Sendable {
  private let newest = ForkSafeMutex<[UInt64: Entry]>([:])

  struct Entry: Sendable {
    var directory: KeyDirectory
    /// The newest change of erasures that the directory's retired ids are as of.
    var erasures: UInt64
  }

  /// The directory as last seen, of whatever commit.
  func last(_ set: UInt64) -> Entry? { newest.withLock { $0[set] } }

  /// Keeps a directory unless a newer one is there.
  func keep(_ directory: KeyDirectory, of set: UInt64, erasures: UInt64) {
    newest.withLock { newest in
      if let other = newest[set], other.erasures >= erasures,
        other.directory.log.state.generation > directory.log.state.generation
          || (other.directory.log.state.generation == directory.log.state.generation
            && other.directory.count > directory.count)
      {
        return
      }
      newest[set] = Entry(directory: directory, erasures: erasures)
    }
  }

  /// Forgets a directory, so that the next one finds a new map.
  func forget(_ set: UInt64) { newest.withLock { $0[set] = nil } }
}

extension Catalog.KeySet {
  /// The schema that the key layer works with.
  ///
  /// - Throws: `limitExceeded`, `invalidArgument`; never for a key set of a catalog.
  package func schema() throws(LarderError) -> KeySchema {
    if keys == [.dummy] { return .entityless }
    var columns: [KeyColumn] = []
    for key in keys {
      let type: KeyType =
        switch key.type {
        case .string: .string
        case .int32: .int32
        case .int64: .int64
        case .bytes: .bytes
        case .timestamp: .timestamp
        }
      columns.append(KeyColumn(key.name, type))
    }
    return try KeySchema(columns)
  }
}

extension Store {
  /// The identity of a key log, which seeds its checksums.
  func keyIdentity(_ set: UInt64, _ store: FileIdentifier) -> KeyLogIdentity {
    KeyLogIdentity(store: store, set: set)
  }

  /// The directory of a key set as of a state of its log.
  ///
  /// - Parameter erasures: the newest there are, whatever the state of the log.
  /// - Throws: `corrupt`, `io`.
  /// - Complexity: O(keys that the newest map and the last directory lack).
  func directory(
    of set: Catalog.KeySet, store: FileIdentifier, at log: KeyLogState, erasures: Erasures
  ) throws(LarderError) -> KeyDirectory {
    let entry = keyCache.last(set.id)
    let last = entry?.directory
    if let last, last.log.state == log, entry?.erasures == erasures.last { return last }
    let folder = layout.keyFolder(set.id)
    let schema = try set.schema()
    let retired = RetiredIDs(erasures.pending[set.id] ?? [])
    let opened = try requirePresent { () throws(LarderError) in
      try KeyLog.open(
        in: host.files, directory: folder, identity: keyIdentity(set.id, store), schema: schema,
        state: log, after: last?.log)
    }
    if let last, last.log.state.generation == log.generation, last.count <= log.count {
      let extended = try last.extended(to: opened, retired: retired)
      keyCache.keep(extended, of: set.id, erasures: erasures.last)
      return extended
    }
    let map = try KeyMap.newest(in: host.files, directory: folder, for: opened)
    let made = try KeyDirectory(log: opened, map: map, retired: retired)
    keyCache.keep(made, of: set.id, erasures: erasures.last)
    return made
  }
}

extension Snapshot {
  /// Key to id and id to key of a join-key set; nil if it never had a key.
  ///
  /// What was erased since is unknown in it, as in every snapshot.
  ///
  /// - Throws: `corrupt`, `io`.
  /// - Complexity: one load for the newest snapshot; else O(keys that the map lacks).
  package func keyDirectory(of set: UInt64) throws(LarderError) -> KeyDirectory? {
    guard let log = keyLogs[set], let keySet = catalog.keySet(id: set) else { return nil }
    return try store.directory(
      of: keySet, store: identifier, at: log, erasures: try store.refresh().erasures)
  }
}
