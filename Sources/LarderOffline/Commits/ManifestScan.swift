import LarderColumns
import LarderContract
import LarderEncodings
import LarderFiles

/// An open manifest file and how far its records were replayed.
struct ManifestPosition: Sendable {
  let file: any File
  let number: UInt64
  /// The version of the format that the file is in.
  let major: UInt16
  let store: FileIdentifier
  let device: UInt64
  let inode: UInt64
  /// Where the next record starts.
  var end: UInt64
  /// The hash of the last record.
  var chain: UInt64
  /// Records after the checkpoint.
  var edits: Int

  /// How STATE says that the manifest is durable up to here.
  var word: StatePage.Word { StatePage.Word(file: number, length: end) }

  /// What STATE must say to speak of this file.
  func identity(boot: FileIdentifier) -> StatePage.Identity {
    StatePage.Identity(store: store, boot: boot, device: device, inode: inode)
  }
}

/// A manifest file together with the state that its records add up to.
struct LoadedManifest: Sendable {
  var position: ManifestPosition
  var state: StoreState
}

/// What lies after the last whole record of a file.
struct ManifestTail: Sendable {
  /// Bytes of the file.
  var fileBytes: UInt64
  /// The last byte that is not zero, if there is one after the last record.
  var tornThrough: UInt64?
}

extension LoadedManifest {
  /// Opens a manifest file and replays its checkpoint.
  ///
  /// - Returns: nil if the file is gone, or was never finished.
  /// - Throws: `corrupt` if it was finished and does not hold; `unsupportedVersion`.
  static func open(
    _ path: String, number: UInt64, _ files: any FileSystem
  ) throws(LarderError) -> LoadedManifest? {
    let file: any File
    do { file = try files.open(path, .read) } catch  where error.code == .notFound { return nil }
    let status = try file.status()
    guard status.bytes <= Limits.manifestBytes else {
      throw LarderError(.corrupt, "The manifest has \(status.bytes) bytes.", file: path)
    }
    guard status.bytes >= UInt64(ManifestFile.headerBytes) else { return nil }
    let head = try file.readExactly(ManifestFile.headerBytes, at: 0)
    let origin = UInt64(ManifestFile.headerBytes)
    guard let header = try ManifestFile.Header.decode(head, file: path) else {
      try refuseUnfinished(file, status.bytes, path)
      return nil
    }
    guard header.number == number else {
      throw LarderError(
        .corrupt, "The file says it is manifest \(header.number); was it renamed?", file: path)
    }
    let bytes = try file.readExactly(Int(status.bytes - origin), at: origin)
    guard
      let frame = ManifestFile.frame(in: bytes, at: 0, origin: origin, store: header.store),
      frame.type == ManifestRecordType.checkpoint, frame.id == header.firstCommit
    else {
      try refuseRecords(in: bytes, after: 0, origin: origin, store: header.store, path)
      return nil
    }
    let body = try ManifestCodec.decode(
      type: frame.type, payload: frame.payload, major: header.major, file: path,
      origin: frame.range.lowerBound)
    guard case .checkpoint(var state) = body else { return nil }
    state.store = header.store
    state.head = Commit(
      id: frame.id, time: Timestamp(microseconds: frame.time), chainHash: state.head.chainHash)
    guard state.history.last?.id ?? 0 < frame.id || state.history.isEmpty else {
      throw LarderError(.corrupt, "The checkpoint's commits are out of order.", file: path)
    }
    state.history.append(state.head)
    if header.major == 1 {
      // What happened before is not told: whoever kept up with it looks at everything once more.
      for view in state.catalog.views { state.revisions[view.id] = state.head.id }
    }
    return LoadedManifest(
      position: ManifestPosition(
        file: file, number: number, major: header.major, store: header.store,
        device: status.device, inode: status.inode, end: frame.range.upperBound,
        chain: frame.chainHash, edits: 0),
      state: state)
  }

  /// Replays the records from the position to an offset, which must end one.
  ///
  /// - Throws: `corrupt` if it does not, or a record does not hold.
  mutating func replay(to end: UInt64) throws(LarderError) {
    guard end >= position.end, let count = Int(exactly: end - position.end) else {
      throw LarderError(.corrupt, "The manifest cannot be replayed backwards.")
    }
    guard count > 0 else { return }
    let bytes = try position.file.readExactly(count, at: position.end)
    let tail = try replay(bytes, through: nil)
    guard tail == count else {
      throw LarderError(
        .corrupt,
        "The record here is damaged: \(end) bytes were committed, and the chain of records ends "
          + "before. Restore the manifest from a copy.",
        file: position.file.path, offset: position.end)
    }
  }

  /// Replays every whole record there is.
  ///
  /// - Parameter visit: called with each record and the state after it.
  /// - Throws: `corrupt` if a good record follows a damaged one.
  mutating func replayAll(
    _ visit: (ManifestRecord.Body, StoreState) -> Void = { _, _ in }
  ) throws(LarderError) -> ManifestTail {
    let bytes = try position.file.status().bytes
    guard bytes <= Limits.manifestBytes, bytes >= position.end,
      let count = Int(exactly: bytes - position.end)
    else {
      throw LarderError(
        .corrupt, "The manifest has \(bytes) bytes; \(position.end) of records were read before.",
        file: position.file.path)
    }
    let rest = try position.file.readExactly(count, at: position.end)
    let start = position.end
    let used = try replay(rest, through: nil, visit)
    guard let last = lastNonZero(rest, from: used) else {
      return ManifestTail(fileBytes: bytes, tornThrough: nil)
    }
    try Self.refuseRecords(
      in: rest, after: used, origin: start, store: position.store, position.file.path)
    return ManifestTail(fileBytes: bytes, tornThrough: start + UInt64(last))
  }

  /// Replays records up to and with a commit.
  mutating func replay(through commit: UInt64) throws(LarderError) {
    let bytes = try position.file.status().bytes
    guard bytes <= Limits.manifestBytes, bytes >= position.end else { return }
    let rest = try position.file.readExactly(Int(bytes - position.end), at: position.end)
    _ = try replay(rest, through: commit)
  }

  /// Replays the records of a run of bytes that starts at the position.
  ///
  /// - Returns: how many bytes the whole records took.
  private mutating func replay(
    _ bytes: [UInt8], through last: UInt64?,
    _ visit: (ManifestRecord.Body, StoreState) -> Void = { _, _ in }
  ) throws(LarderError) -> Int {
    var offset = 0
    let origin = position.end
    while let frame = ManifestFile.frame(
      in: bytes, at: offset, origin: origin, store: position.store)
    {
      if let last, frame.id > last { break }
      guard frame.previous == position.chain, frame.id == state.head.id &+ 1,
        frame.time > state.head.time.ticks, frame.type != ManifestRecordType.checkpoint
      else {
        throw LarderError(
          .corrupt, "The record does not follow from the one before it.",
          file: position.file.path, offset: frame.range.lowerBound)
      }
      let body = try ManifestCodec.decode(
        type: frame.type, payload: frame.payload, major: position.major,
        file: position.file.path, origin: frame.range.lowerBound)
      try state.apply(
        body,
        commit: Commit(
          id: frame.id, time: Timestamp(microseconds: frame.time), chainHash: frame.chainHash))
      visit(body, state)
      offset = Int(frame.range.upperBound - origin)
      position.end = frame.range.upperBound
      position.chain = frame.chainHash
      position.edits += 1
    }
    return offset
  }

  /// Refuses a file without a header that holds records all the same: it was finished once.
  private static func refuseUnfinished(
    _ file: any File, _ bytes: UInt64, _ path: String
  ) throws(LarderError) {
    // Without the header the store's number is unknown, and with it the seed of the hashes; a
    // page of zeros at the start with data after it is what a torn creation leaves.
    let rest = try file.readExactly(Int(bytes), at: 0)
    guard rest[..<ManifestFile.headerBytes].contains(where: { $0 != 0 }) else { return }
    let checkpoint = ManifestFile.headerBytes
    var reader = RecordReader(rest, file: path, origin: 0)
    guard try reader.read(UInt64.self) == ManifestFile.magic, rest.count > 48 else { return }
    _ = try reader.read(UInt64.self)
    let store = try reader.readIdentifier()
    try refuseRecords(
      in: rest, after: checkpoint, origin: 0, store: store, path, besidesCheckpoint: true)
  }

  /// Looks for a good record after a damaged one: then this is no torn tail.
  private static func refuseRecords(
    in bytes: [UInt8], after start: Int, origin: UInt64, store: FileIdentifier, _ path: String,
    besidesCheckpoint: Bool = false
  ) throws(LarderError) {
    var offset = start
    while offset + ManifestFile.recordHead + ManifestFile.recordTail <= bytes.count {
      if let frame = ManifestFile.frame(in: bytes, at: offset, origin: origin, store: store) {
        guard besidesCheckpoint, frame.type == ManifestRecordType.checkpoint else {
          throw LarderError(
            .corrupt,
            "The manifest is damaged before byte \(frame.range.lowerBound), where the intact "
              + "record of commit \(frame.id) starts. Restore the manifest from a copy.",
            file: path, offset: origin + UInt64(start))
        }
      }
      offset += 8
    }
  }
}

/// The last byte that is not zero, from an offset on.
private func lastNonZero(_ bytes: [UInt8], from start: Int) -> Int? {
  unsafe bytes.withUnsafeBytes { bytes in
    var end = bytes.count
    // A word at a time: nearly always all of it is zero.
    while unsafe end - start >= 8
      && bytes.loadUnaligned(fromByteOffset: end - 8, as: UInt64.self) == 0
    { end -= 8 }
    while unsafe end > start && bytes[end - 1] == 0 { end -= 1 }
    return end > start ? end - 1 : nil
  }
}
