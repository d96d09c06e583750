import LarderColumns
import LarderFiles
import Synchronization

/// The mapped page STATE: how far the manifest is durable, told to every process by one word.
///
/// Derived: whoever finds it untrusted reads the manifest instead. The identity fields bind it to a
/// store, a boot and one very manifest file, so that neither a reboot nor a copy of the directory
/// makes an old word look true.
@safe final class StatePage: Sendable {
  static let name = "STATE"
  static let bytes = 4_096
  private static let magic: UInt64 = 0x0A1A_0A0D_5453_4C89

  /// What the identity fields say.
  struct Identity: Sendable, Hashable {
    var store: FileIdentifier
    var boot: FileIdentifier
    var device: UInt64
    var inode: UInt64
  }

  /// A position in the manifest: a file and the durable bytes of it, in one word.
  struct Word: Sendable, Hashable {
    var raw: UInt64
    init(raw: UInt64) { self.raw = raw }
    init(file: UInt64, length: UInt64) { raw = file << 32 | length }
    var file: UInt64 { raw >> 32 }
    var length: UInt64 { raw & 0xFFFF_FFFF }
  }

  private enum Offset {
    static let magic = 0
    static let store = 8
    static let boot = 24
    static let device = 40
    static let inode = 48
    static let checksum = 56
    static let word = 64
    static let poisoned = 72
    static let oldestRetained = 80
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
    unsafe atomic(offset)?.pointee.store(value, ordering: .releasing)
  }

  /// The word, whatever it is worth: one load.
  var word: Word { Word(raw: load(Offset.word)) }

  /// Whether a sync of the manifest failed and its outcome is unknown.
  var isPoisoned: Bool { load(Offset.poisoned) != 0 }

  /// The least snapshot that may still be pinned anew.
  var oldestRetained: UInt64 { load(Offset.oldestRetained) }

  /// Says that a sync failed.
  func poison() { store(1, Offset.poisoned) }

  /// Says which snapshots are about to go; sequentially consistent with the pins that follow.
  func publish(oldestRetained: UInt64) {
    guard map.beginStore() else { return }
    unsafe atomic(Offset.oldestRetained)?.pointee.store(
      oldestRetained, ordering: .sequentiallyConsistent)
  }

  /// Moves the durable end within the same file.
  func publish(_ word: Word) { store(word.raw, Offset.word) }

  /// Binds the page to a manifest file and publishes its durable end.
  func publish(_ identity: Identity, _ word: Word, oldestRetained: UInt64) {
    store(0, Offset.word)
    let fields = Self.fields(of: identity)
    for (index, field) in fields.enumerated() { store(field, index * 8) }
    store(Self.checksum(fields), Offset.checksum)
    store(0, Offset.poisoned)
    store(oldestRetained, Offset.oldestRetained)
    store(word.raw, Offset.word)
  }

  /// The word if the page is bound to an identity, else nil.
  ///
  /// - Parameter identity: the identity expected for the file that a word names; nil if that file is
  ///   not there.
  func trusted(
    _ identity: (Word) throws(LarderError) -> Identity?
  ) throws(LarderError) -> Word? {
    let word = self.word
    guard word.raw != 0, let expected = try identity(word) else { return nil }
    let fields = (0..<7).map { load($0 * 8) }
    guard fields == Self.fields(of: expected), load(Offset.checksum) == Self.checksum(fields),
      self.word.file == word.file
    else { return nil }
    return word
  }

  private static func fields(of identity: Identity) -> [UInt64] {
    [
      magic, identity.store.high, identity.store.low, identity.boot.high, identity.boot.low,
      identity.device, identity.inode,
    ]
  }

  private static func checksum(_ fields: [UInt64]) -> UInt64 {
    var writer: [UInt8] = []
    for field in fields {
      unsafe withUnsafeBytes(of: field.littleEndian) { unsafe writer.append(contentsOf: $0) }
    }
    return XXH3.hash64(writer, seed: magic)
  }
}
