import LarderColumns

/// What became of an erasure: the certificate.
///
/// It names no key and no value: who keeps it writes beside it whose it is.
public struct ErasureReport: Sendable, Hashable {
  /// The entity by whose join keys was erased.
  public var entity: String
  /// Entities asked for.
  public var requested: Int
  /// The store's directory.
  public var store: String
  /// Whether nothing was changed, only looked for.
  public var isDryRun: Bool
  /// How many keys each join-key set held.
  public var keys: [Keys]
  /// The commit from which on every snapshot hides the entities; nil if history held none.
  public var maskedSince: Commit?
  /// The commit that says that nothing is left; nil while something is pending.
  public var finished: Commit?
  /// Every file that held something of the entities.
  public var files: [File]
  /// What is not done yet and why; empty if nothing is left.
  public var pending: [String]
  /// The last look for what is left: what was searched, and how much; nil if none was made.
  public var search: Search?
  /// What no command of the store can reach.
  public var outOfReach: [String]

  /// Makes a report.
  public init(
    entity: String, requested: Int, store: String, isDryRun: Bool, keys: [Keys] = [],
    maskedSince: Commit? = nil, finished: Commit? = nil, files: [File] = [],
    pending: [String] = [], search: Search? = nil, outOfReach: [String] = []
  ) {
    self.entity = entity
    self.requested = requested
    self.store = store
    self.isDryRun = isDryRun
    self.keys = keys
    self.maskedSince = maskedSince
    self.finished = finished
    self.files = files
    self.pending = pending
    self.search = search
    self.outOfReach = outOfReach
  }

  /// Whether nothing of the entities is left within reach.
  public var isComplete: Bool { pending.isEmpty && !isDryRun }

  /// A search of the store's files for what is left of the entities.
  ///
  /// All files in the store's folders are looked at, whether the store names them or not.
  public struct Search: Sendable, Hashable {
    /// Files looked at.
    public var files: Int
    /// Bytes of them.
    public var bytes: UInt64
    /// Where was searched, and for what.
    public var places: [String]

    /// Makes an entry.
    public init(files: Int, bytes: UInt64, places: [String]) {
      self.files = files
      self.bytes = bytes
      self.places = places
    }
  }

  /// How many keys of one join-key set were erased.
  public struct Keys: Sendable, Hashable {
    /// The set's join keys.
    public var joinKeys: [String]
    /// Keys found.
    public var count: Int

    /// Makes an entry.
    public init(joinKeys: [String], count: Int) {
      self.joinKeys = joinKeys
      self.count = count
    }
  }

  /// A file that held something of the entities.
  public struct File: Sendable, Hashable {
    /// Its path.
    public var path: String
    /// Its inode, by which a copy or a later file of the name is told apart.
    public var inode: UInt64
    /// The device of the inode.
    public var device: UInt64
    /// What it was: "segment", "key log", "key map", "online rows".
    public var kind: String
    /// Rows of the entities in it; of keys, how many.
    public var rows: Int
    /// The names of the files that took its place.
    public var substitutes: [String]
    /// Whether it is gone.
    public var isRemoved: Bool

    /// Makes an entry.
    public init(
      path: String, inode: UInt64, device: UInt64, kind: String, rows: Int,
      substitutes: [String] = [], isRemoved: Bool
    ) {
      self.path = path
      self.inode = inode
      self.device = device
      self.kind = kind
      self.rows = rows
      self.substitutes = substitutes
      self.isRemoved = isRemoved
    }
  }
}

extension ErasureReport {
  /// The report as JSON: the certificate of `larder forget`.
  package var json: JSONValue {
    func commit(_ commit: Commit?) -> JSONValue {
      guard let commit else { return .null }
      return .object([
        "commit": .integer(commit.id), "time": .text("\(commit.time)"),
        "chainHash": .text(String(commit.chainHash, radix: 16)),
      ])
    }
    let files = files.map { file in
      JSONValue.object([
        "path": .text(file.path), "inode": .integer(file.inode),
        "device": .integer(file.device), "kind": .text(file.kind), "rows": .integer(file.rows),
        "substitutes": .array(file.substitutes.map { .text($0) }),
        "removed": .bool(file.isRemoved),
      ])
    }
    let keys = keys.map { keys in
      JSONValue.object([
        "joinKeys": .array(keys.joinKeys.map { .text($0) }), "count": .integer(keys.count),
      ])
    }
    let search = search.map { search in
      JSONValue.object([
        "files": .integer(search.files), "bytes": .integer(search.bytes),
        "places": .array(search.places.map { .text($0) }),
      ])
    }
    return .object([
      "store": .text(store), "entity": .text(entity), "requested": .integer(requested),
      "dryRun": .bool(isDryRun), "keys": .array(keys), "maskedSince": commit(maskedSince),
      "finished": commit(finished), "complete": .bool(isComplete), "files": .array(files),
      "pending": .array(pending.map { .text($0) }), "searched": search ?? .null,
      "outOfReach": .array(outOfReach.map { .text($0) }),
    ])
  }
}
