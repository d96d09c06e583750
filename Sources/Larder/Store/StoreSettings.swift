import LarderContract
import LarderOffline
import LarderOnline

extension FeatureStore {
  /// What an open store may do.
  public enum Access: Sendable, Hashable {
    /// Read and write; the store is made if there is none.
    case create
    /// Read and write; the store must be there.
    case readWrite
    /// Read; makes nothing and needs read permission only.
    case readOnly

    package var stored: StoreAccess {
      switch self {
      case .create: .create
      case .readWrite: .readWrite
      case .readOnly: .readOnly
      }
    }
  }

  /// How a store behaves.
  public struct Settings: Sendable {
    /// How long to wait for another process's lock before giving up with `locked`.
    public var lockTimeout: Duration
    /// How long a snapshot stays readable after a newer one took its place.
    public var keepSnapshots: Duration
    /// Whether small segments are merged after the appends that make it due.
    public var foldsAfterAppend: Bool
    /// Whether a directory that group or others may write is accepted.
    public var allowsSharedDirectory: Bool
    /// Bytes of buffered rows above which an import writes them out.
    public var appendBufferBytes: Int
    /// Threads for sorting and writing; nil for all cores.
    public var threads: Int?
    /// When an online write is safe.
    public var onlineDurability: OnlineDurability

    /// Settings with every choice at its default.
    public init(
      lockTimeout: Duration = .seconds(10), keepSnapshots: Duration = .seconds(3600),
      foldsAfterAppend: Bool = true, allowsSharedDirectory: Bool = false,
      appendBufferBytes: Int = 1 << 30, threads: Int? = nil,
      onlineDurability: OnlineDurability = .batch
    ) {
      self.lockTimeout = lockTimeout
      self.keepSnapshots = keepSnapshots
      self.foldsAfterAppend = foldsAfterAppend
      self.allowsSharedDirectory = allowsSharedDirectory
      self.appendBufferBytes = appendBufferBytes
      self.threads = threads
      self.onlineDurability = onlineDurability
    }

    package var online: OnlineOptions {
      OnlineOptions(durability: onlineDurability, lockTimeout: lockTimeout)
    }

    package var stored: StoreOptions {
      var options = StoreOptions()
      options.lockTimeout = lockTimeout
      options.keepSnapshots = keepSnapshots
      options.fold = foldsAfterAppend ? .afterAppend : .off
      options.allowsSharedDirectory = allowsSharedDirectory
      options.appendBufferBytes = appendBufferBytes
      options.threads = threads
      return options
    }
  }
}
