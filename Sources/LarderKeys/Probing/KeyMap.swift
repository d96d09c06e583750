import CLarderKernels
import LarderColumns
import LarderFiles

/// The key map: key -> id for the keys that a log held when the map was built, mapped from a file.
///
/// Derived from the log and immutable. A map that does not fit the log is ignored; each 64 KiB are
/// checked when first touched.
@safe package final class KeyMap: @unchecked Sendable {
  /// The path of the file.
  package let path: String
  let header: KeyMapHeader
  let tags: KeyTags
  private let file: MappedFile
  /// Kernels take it by address.
  let table: UnsafeMutablePointer<larder_key_table>
  private let verified: UnsafeMutablePointer<UInt8>

  /// The ids below this are in the map, but for erased and retired ones.
  package var count: UInt32 { header.count }

  /// Opens a map.
  ///
  /// - Parameters:
  ///   - files: where the file is.
  ///   - path: the file.
  ///   - log: the log it must have been built from, at this or an earlier length.
  ///   - tags: how its keys must be told apart.
  /// - Throws: `corrupt` if it is no whole map; `incompatibleDefinition` if it belongs to another
  ///   log, generation, later commit or hash; `notFound`, `io`.
  /// - Complexity: O(file / 64 KiB).
  static func open(
    in files: any FileSystem, path: String, for log: KeyLog, tags: KeyTags
  ) throws(LarderError) -> KeyMap {
    func corrupt(_ message: String) -> LarderError {
      LarderError(.corrupt, message, file: path)
    }
    let file = try files.open(path, .read)
    guard let header = KeyMapHeader(try file.readExactly(KeyMapHeader.bytes, at: 0)) else {
      throw corrupt("The key map's header does not hold.")
    }
    let wanted = KeyMapHeader(for: log, tags: tags, file: header.file, homes: 1)
    guard header.identity == wanted.identity, header.generation == wanted.generation,
      header.hashVersion == wanted.hashVersion, header.stride == wanted.stride,
      header.count <= log.count, log.checksum(atCount: header.count) == header.logChecksum
    else {
      throw LarderError(
        .incompatibleDefinition, "The key map was not built from this key log.", file: path)
    }
    guard let bytes = header.fileBytes, try file.status().bytes == UInt64(bytes) else {
      throw corrupt("The key map's length contradicts its header.")
    }
    let map = try file.map(bytes: bytes)
    let sums = unsafe UnsafeRawBufferPointer(
      rebasing: map.bytes[(bytes - header.blocks * 8)...])
    guard unsafe XXH3.hash64(sums, seed: header.seed(.max)) == header.blockSum else {
      throw corrupt("The checksums of the key map's blocks do not hold.")
    }
    return KeyMap(path: path, header: header, tags: tags, file: map)
  }

  private init(path: String, header: KeyMapHeader, tags: KeyTags, file: MappedFile) {
    self.path = path
    self.header = header
    self.tags = tags
    self.file = file
    unsafe verified = .allocate(capacity: header.blocks)
    unsafe verified.initialize(repeating: 0, count: header.blocks)
    let lines = unsafe file.bytes.baseAddress.map {
      unsafe UnsafeMutableRawPointer(mutating: $0 + KeyMapHeader.bytes)
        .assumingMemoryBound(to: larder_key_line.self)
    }
    unsafe table = .allocate(capacity: 1)
    unsafe table.initialize(
      to: larder_key_table(
        lines: lines, homes: header.homes, count: header.lines, hash_mask: tags.hashMask,
        verified: verified, tags_are_hashes: tags.areHashes ? 1 : 0, spare: 0))
  }

  deinit {
    unsafe table.deallocate()
    unsafe verified.deallocate()
  }

  /// Looks tags up, checking the blocks they lead to.
  ///
  /// - Throws: `corrupt` with the offset if a block does not hold.
  func find(
    _ tags: UnsafePointer<UInt64>, count: Int, into ids: UnsafeMutablePointer<UInt32>
  ) throws(LarderError) {
    var done = 0
    while true {
      var blocked: UInt64 = 0
      done += unsafe larder_keys_find(table, tags + done, count - done, ids + done, &blocked)
      if done == count { return }
      try verify(block: Int(blocked))
    }
  }

  /// Checks all blocks.
  ///
  /// - Throws: `corrupt` with the offset at the first that does not hold.
  package func verify() throws(LarderError) {
    for block in 0..<header.blocks { try verify(block: block) }
  }

  /// Checks a block once.
  func verify(block: Int) throws(LarderError) {
    if unsafe larder_key_block_verified(verified + block) != 0 { return }
    let start = KeyMapHeader.bytes + block * KeyMapHeader.blockBytes
    let linesEnd = KeyMapHeader.bytes + Int(header.lines) * KeyMapHeader.lineBytes
    let end = min(start + KeyMapHeader.blockBytes, linesEnd)
    let bytes = unsafe UnsafeRawBufferPointer(rebasing: file.bytes[start..<end])
    let sum = unsafe UInt64(
      littleEndian: file.bytes.loadUnaligned(fromByteOffset: linesEnd + block * 8, as: UInt64.self))
    guard unsafe XXH3.hash64(bytes, seed: header.seed(UInt64(block))) == sum else {
      throw LarderError(
        .corrupt,
        "The checksum of a block of the key map does not hold; remove the file, it is "
          + "derived from the key log.", file: path, offset: UInt64(start))
    }
    // A block that holds may still be hostile: what the search relies on is checked too.
    let lines = unsafe UnsafeRawPointer(bytes.baseAddress)
    let count = bytes.count / KeyMapHeader.lineBytes
    for line in 0..<count {
      guard let lines = unsafe lines else { break }
      let none = unsafe lines.load(
        fromByteOffset: line * KeyMapHeader.lineBytes + 60, as: UInt32.self)
      guard none == .max else {
        throw LarderError(
          .corrupt, "A line of the key map is malformed; remove the file, it is derived.",
          file: path, offset: UInt64(start + line * KeyMapHeader.lineBytes))
      }
    }
    unsafe larder_key_block_mark_verified(verified + block)
  }
}

extension KeyMap {
  /// Opens the map that covers most of a log's keys; nil if none fits.
  ///
  /// Maps are derived: those that belong elsewhere or do not hold are passed over.
  ///
  /// - Throws: `io` and `permissionDenied`, which say nothing about a map.
  package static func newest(
    in files: any FileSystem, directory: String, for log: KeyLog, hashMask: UInt64 = .max
  ) throws(LarderError) -> KeyMap? {
    let tags = KeyTags(log.schema, hashMask: hashMask)
    var best: KeyMap?
    for name in try files.names(in: directory) where name.hasPrefix("keys-") {
      guard name.hasSuffix(".map") else { continue }
      do throws(LarderError) {
        let map = try open(in: files, path: directory + "/" + name, for: log, tags: tags)
        if map.count > best?.count ?? 0 { best = map }
      } catch {
        switch error.code {
        case .corrupt, .incompatibleDefinition, .notFound: continue
        default: throw error
        }
      }
    }
    return best
  }
}
