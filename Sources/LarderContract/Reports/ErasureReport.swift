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
  public struct Search: Sendable, Hashable, Codable {
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
  public struct Keys: Sendable, Hashable, Codable {
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
  public struct File: Sendable, Hashable, Codable {
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

    private enum CodingKeys: String, CodingKey {
      case path, inode, device, kind, rows, substitutes
      case isRemoved = "removed"
    }

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

extension ErasureReport: Codable {
  private enum CodingKeys: String, CodingKey {
    case store, entity, requested
    case isDryRun = "dryRun"
    case keys, maskedSince, finished, files, pending
    case search = "searched"
    case outOfReach
  }
  private enum DerivedKeys: String, CodingKey { case isComplete = "complete" }

  /// Writes the certificate: what the report has, and whether it is complete.
  public func encode(to encoder: any Encoder) throws {
    var members = encoder.container(keyedBy: CodingKeys.self)
    try members.encode(store, forKey: .store)
    try members.encode(entity, forKey: .entity)
    try members.encode(requested, forKey: .requested)
    try members.encode(isDryRun, forKey: .isDryRun)
    try members.encode(keys, forKey: .keys)
    try members.encodeIfPresent(maskedSince, forKey: .maskedSince)
    try members.encodeIfPresent(finished, forKey: .finished)
    var derived = encoder.container(keyedBy: DerivedKeys.self)
    try derived.encode(isComplete, forKey: .isComplete)
    try members.encode(files, forKey: .files)
    try members.encode(pending, forKey: .pending)
    try members.encodeIfPresent(search, forKey: .search)
    try members.encode(outOfReach, forKey: .outOfReach)
  }
}
