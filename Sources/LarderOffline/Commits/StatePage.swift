import LarderColumns
import LarderFiles
import Synchronization

/// The mapped page STATE: how far the manifest is durable, told to every process by one word.
///
/// Derived: whoever finds it untrusted reads the manifest instead. The identity fields bind it to a
/// store, a boot and one very manifest file, so that neither a reboot nor a copy of the directory
/// makes an old word look true. Word and chain hash lie in two slots that take turns: a process that
/// dies between two stores leaves the slot in use as it was.
@safe final class StatePage: Sendable {
  static let name = "STATE"
  static let bytes = 4_096
  private static let magic: UInt64 = 0x0A1A_0A0D_5632_4C89

  /// What the identity fields say.
  struct Identity: Sendable, Hashable {
    var store: FileIdentifier
    var boot: FileIdentifier
    var device: UInt64
    var inode: UInt64
  }

  /// A position in the manifest: a file and the durable bytes of it, in one word.
  struct Word: Sendable, Hashable, Comparable {
    var raw: UInt64
    init(raw: UInt64) { self.raw = raw }
    init(file: UInt64, length: UInt64) { raw = file << 32 | length }
    var file: UInt64 { raw >> 32 }
    var length: UInt64 { raw & 0xFFFF_FFFF }

    static func < (a: Word, b: Word) -> Bool { a.raw < b.raw }
  }

  /// What a slot says: where the manifest durably ends, and the hash of the record that ends there.
  struct Published: Sendable, Hashable {
    /// Rises by one with each publication; never 0.
    var sequence: UInt64
    var word: Word
    var chain: UInt64
  }

  private enum Offset {
    static let identity = 0
    static let checksum = 56
    /// Where version 1 kept its word.
    ///
    /// Zero forever: whoever knows version 1 alone trusts nothing here, and learns from the manifest
    /// that it is of a later version.
    static let wordOfVersion1 = 64
    /// The sequence of the newest publication, whose parity names the slot.
    ///
    /// 0 while the fields above change. What a poll looks at.
    static let sequence = 128
    static let slots = [192, 256]
    static let poisoned = 320
    static let oldestRetained = 384
    static let unsureBefore = 392
  }

  private let map: MappedFile
  /// Keeps the description open while the page is mapped.
  private let file: any File

  private init(file: any File, map: MappedFile) {
    self.file = file
    self.map = map
  }

  /// Maps the page for reading; nil if there is none, or it is shorter than a page.
  static func openForReading(_ path: String, _ files: any FileSystem) throws(LarderError)
    -> StatePage?
  {
    guard let status = try files.status(of: path), status.kind == .file,
      status.bytes >= UInt64(bytes)
    else { return nil }
    let file = try files.open(path, .read)
    return StatePage(file: file, map: try file.mapShared(bytes: bytes, writable: false))
  }

  /// Maps the page for writing, making it if it is missing.
  static func openForWriting(_ path: String, _ files: any FileSystem) throws(LarderError)
    -> StatePage
  {
    let file = try files.open(path, .createIfMissing)
    if try file.status().bytes < UInt64(bytes) {
      try file.write([UInt8](repeating: 0, count: bytes), at: 0)
    }
    return StatePage(file: file, map: try file.mapShared(bytes: bytes, writable: true))
  }

  private func atomic(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt64>>? {
    guard let base = unsafe map.bytes.baseAddress else { return nil }
    let mutable = unsafe UnsafeMutableRawPointer(mutating: base + offset)
    return unsafe mutable.assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  private func load(_ offset: Int) -> UInt64 {
    unsafe atomic(offset)?.pointee.load(ordering: .acquiring) ?? 0
  }

  private func store(_ value: UInt64, _ offset: Int) {
    guard map.beginStore() else { return }
    unsafe atomic(offset)?.pointee.store(value, ordering: .sequentiallyConsistent)
  }

  /// The sequence of the newest publication, whatever it is worth: one load.
  var sequence: UInt64 { load(Offset.sequence) }

  /// Whether a sync of the manifest failed and its outcome is unknown.
  var isPoisoned: Bool { load(Offset.poisoned) != 0 }

  /// The least snapshot that may still be pinned again.
  var oldestRetained: UInt64 { load(Offset.oldestRetained) }

  /// The commit from which on this page knows what was swept.
  ///
  /// Of snapshots before it, nobody knows: the page was bound again, after a restart say, and what an
  /// earlier one said may not have come to the disk before files went.
  var unsureBefore: UInt64 { load(Offset.unsureBefore) }

  /// Says that a sync failed.
  func poison() { store(1, Offset.poisoned) }

  /// Says which snapshots are about to go; sequentially consistent with the pins that follow.
  ///
  /// It only ever rises: two sweeps take no lock against one another, and what one of them took must
  /// not come back by the other's word.
  ///
  /// - Returns: the least snapshot that is kept now.
  @discardableResult
  func publish(oldestRetained: UInt64) -> UInt64 {
    guard map.beginStore(), let word = unsafe atomic(Offset.oldestRetained) else {
      return self.oldestRetained
    }
    return unsafe word.pointee.max(oldestRetained, ordering: .sequentiallyConsistent).newValue
  }

  /// Moves the durable end within the same file.
  ///
  /// The caller holds the commit lock.
  ///
  /// - Returns: the sequence of the publication.
  @discardableResult
  func publish(_ word: Word, chain: UInt64) -> UInt64 {
    publish(Published(sequence: sequence &+ 1, word: word, chain: chain))
  }

  @discardableResult
  private func publish(_ next: Published) -> UInt64 {
    let slot = Offset.slots[Int(next.sequence & 1)]
    // Nobody reads the slot before the sequence names it; one that was read meanwhile by a process
    // that was two publications behind does not pass its check.
    store(next.word.raw, slot)
    store(next.chain, slot + 8)
    store(next.sequence, slot + 16)
    store(Self.check(next, load(Offset.checksum)), slot + 24)
    store(next.sequence, Offset.sequence)
    return next.sequence
  }

  /// Binds the page to a manifest file and publishes its durable end.
  ///
  /// The caller holds the commit lock.
  ///
  /// - Parameter isTrusted: whether what the page says of snapshots that are kept holds; sweeps may
  ///   raise it meanwhile.
  /// - Returns: the sequence of the publication.
  @discardableResult
  func publish(
    _ identity: Identity, _ word: Word, chain: UInt64, oldestRetained: UInt64,
    unsureBefore: UInt64, isTrusted: Bool
  ) -> UInt64 {
    // Of another version the sequence is no number of ours.
    let last = load(Offset.identity) == Self.magic ? max(sequence, greatestInSlots) : 0
    store(0, Offset.sequence)
    store(0, Offset.wordOfVersion1)
    let fields = Self.fields(of: identity)
    for (index, field) in fields.enumerated() { store(field, Offset.identity + index * 8) }
    store(Self.checksum(fields), Offset.checksum)
    store(0, Offset.poisoned)
    if isTrusted {
      publish(oldestRetained: oldestRetained)
    } else {
      store(oldestRetained, Offset.oldestRetained)
    }
    store(unsureBefore, Offset.unsureBefore)
    return publish(Published(sequence: last &+ 1, word: word, chain: chain))
  }

  /// The newest sequence where a process died while it was 0: it goes on rising, so that nobody who
  /// polls takes a new publication for the one it knows.
  private var greatestInSlots: UInt64 { Offset.slots.map { load($0 + 16) }.max() ?? 0 }

  /// What is published if the page is bound to an identity, else nil.
  ///
  /// - Parameter identity: the identity expected for the file that a word names; nil if that file is
  ///   not there.
  func trusted(
    _ identity: (Word) throws(LarderError) -> Identity?
  ) throws(LarderError) -> Published? {
    guard let published, let expected = try identity(published.word) else { return nil }
    let fields = (0..<7).map { load(Offset.identity + $0 * 8) }
    guard fields == Self.fields(of: expected), load(Offset.checksum) == Self.checksum(fields)
    else { return nil }
    return published
  }

  /// The newest publication; nil if there is none, or if its slot does not hold.
  var published: Published? {
    // Whoever publishes twice while this reads makes it read again.
    for _ in 0..<64 {
      let sequence = self.sequence
      if sequence == 0 { return nil }
      let slot = Offset.slots[Int(sequence & 1)]
      let found = Published(
        sequence: sequence, word: Word(raw: load(slot)), chain: load(slot + 8))
      if load(slot + 24) == Self.check(found, load(Offset.checksum)), found.word.raw != 0 {
        return found
      }
      if self.sequence == sequence { return nil }
    }
    return nil
  }

  /// What the page says of a store, whatever file it was bound to: where the manifest once durably
  /// ended, and which boot that was in; nil if it speaks of another store or does not hold.
  func claims(of store: FileIdentifier) -> (published: Published, boot: FileIdentifier)? {
    guard let published else { return nil }
    let fields = (0..<7).map { load(Offset.identity + $0 * 8) }
    guard fields[0] == Self.magic, load(Offset.checksum) == Self.checksum(fields),
      FileIdentifier(high: fields[1], low: fields[2]) == store
    else { return nil }
    return (published, FileIdentifier(high: fields[3], low: fields[4]))
  }

  private static func fields(of identity: Identity) -> [UInt64] {
    [
      magic, identity.store.high, identity.store.low, identity.boot.high, identity.boot.low,
      identity.device, identity.inode,
    ]
  }

  private static func checksum(_ fields: [UInt64]) -> UInt64 { hash(fields) }

  /// Binds a slot's fields to one another and to the identity.
  private static func check(_ published: Published, _ identity: UInt64) -> UInt64 {
    hash([published.sequence, published.word.raw, published.chain, identity])
  }

  private static func hash(_ words: [UInt64]) -> UInt64 {
    var bytes: [UInt8] = []
    for word in words {
      unsafe withUnsafeBytes(of: word.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    }
    return XXH3.hash64(bytes, seed: magic)
  }
}
