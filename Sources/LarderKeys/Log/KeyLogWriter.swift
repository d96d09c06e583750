import CLarderKernels
import LarderColumns
import LarderFiles

/// Appends to a key log.
///
/// Used by the one holder of the store's append lock. What it writes is void until a manifest record names the state it returned: another writer
/// begins at the committed length and overwrites the rest.
package final class KeyLogWriter {
  /// Which log of which store.
  package let identity: KeyLogIdentity
  /// The keys' schema.
  package let schema: KeySchema
  /// What a manifest record would say now.
  package private(set) var state: KeyLogState
  private let file: any File
  private var lastChecksum: UInt64
  private var fileBytes: UInt64
  private var isPoisoned = false

  /// Goes on where a commit left off.
  ///
  /// - Throws: `notFound`, `permissionDenied`, `io`.
  package init(
    continuing log: KeyLog, in files: any FileSystem, directory: String
  ) throws(LarderError) {
    identity = log.identity
    schema = log.schema
    state = log.state
    lastChecksum = log.lastChecksum
    let name = KeyLogFormat.fileName(generation: log.state.generation)
    file = try files.open(directory + "/" + name, .update)
    fileBytes = try file.status().bytes
  }

  /// Begins a log, or the next generation of one, over whatever an uncommitted attempt left.
  ///
  /// The file is durable after `sync()` and a sync of its directory.
  ///
  /// - Parameters:
  ///   - generation: above every committed one; a new log begins with 1.
  /// - Throws: `noSpace`, `io`, `permissionDenied`.
  package init(
    creating generation: UInt64, of schema: KeySchema, identity: KeyLogIdentity,
    in files: any FileSystem, directory: String
  ) throws(LarderError) {
    let header = KeyLogFormat.header(identity, generation: generation, schema: schema)
    self.identity = identity
    self.schema = schema
    lastChecksum = UInt64(littleEndian: header.suffix(8))
    state = KeyLogState(
      generation: generation, length: UInt64(header.count), count: 0, checksum: lastChecksum)
    let name = KeyLogFormat.fileName(generation: generation)
    file = try files.open(directory + "/" + name, .createIfMissing)
    fileBytes = try file.status().bytes
    try write(header, at: 0)
  }

  /// Appends keys.
  ///
  /// - Parameter keys: keys whose first id is the count so far.
  /// - Returns: the state to be recorded with the commit.
  /// - Throws: `noSpace`, `io`; then nothing counts as appended and it may be tried again.
  @discardableResult
  package func append(_ keys: NewKeys) throws(LarderError) -> KeyLogState {
    guard !isPoisoned else { throw poisoned }
    guard keys.schema == schema, keys.first == state.count else {
      throw LarderError(
        .invalidArgument,
        "Keys from id \(keys.first) of \(keys.schema) do not follow the \(state.count) keys of "
          + "\(schema).", file: file.path)
    }
    var checksum = lastChecksum
    var length = state.length
    // A few chunks at a time, so that the memory stays bounded.
    var pending: [UInt8] = []
    var pendingStart = length
    for run in 0..<keys.runs.count {
      let isLast = run == keys.runs.count - 1
      let chunk = unsafe encode(
        keys.runs.runs[run], at: length, after: checksum, endsBlock: isLast)
      checksum = UInt64(littleEndian: chunk[56..<64])
      pending.append(contentsOf: chunk)
      length += UInt64(chunk.count)
      if pending.count >= 4 << 20 || isLast {
        try write(pending, at: pendingStart)
        pending.removeAll(keepingCapacity: true)
        pendingStart = length
      }
    }
    lastChecksum = checksum
    state = KeyLogState(
      generation: state.generation, length: length, count: keys.end, checksum: checksum)
    return state
  }

  /// Makes what was appended durable (fdatasync).
  ///
  /// - Throws: `outcomeUnknown`, and `poisoned` ever after: the next writer must begin a new
  ///   generation, for the kernel may have dropped pages it could not write.
  package func sync() throws(LarderError) {
    guard !isPoisoned else { throw poisoned }
    do throws(LarderError) { try file.syncData() } catch {
      isPoisoned = true
      throw LarderError(
        .outcomeUnknown, "The key log could not be synced: \(error.message)", file: file.path,
        systemError: error.systemError)
    }
  }

  private var poisoned: LarderError {
    LarderError(
      .poisoned, "An earlier sync of the key log failed; reopen the store.", file: file.path)
  }

  /// Writes bytes, and zeros ahead where they reach beyond the file.
  private func write(_ bytes: [UInt8], at offset: UInt64) throws(LarderError) {
    let end = offset + UInt64(bytes.count)
    guard end > fileBytes else {
      try file.write(bytes, at: offset)
      return
    }
    let unit = KeyLogFormat.fillBytes
    let filled = (end / unit + 2) * unit
    let padding = [UInt8](repeating: 0, count: Int(filled - end))
    try file.write(bytes + padding, at: offset)
    fileBytes = filled
  }

  /// A chunk's header and body.
  private func encode(
    _ run: larder_key_run, at offset: UInt64, after previous: UInt64, endsBlock: Bool
  ) -> [UInt8] {
    let count = unsafe Int(run.count)
    let tailBytes: Int
    if let stride = schema.stride {
      tailBytes = count * stride
    } else {
      tailBytes = unsafe Int(run.offsets?[count] ?? 0)
    }
    var header = KeyChunkHeader(
      hasErased: unsafe run.erased != nil, first: unsafe run.first, count: unsafe run.count,
      tailBytes: UInt64(tailBytes), previous: previous, bodyChecksum: 0)
    if endsBlock {
      let bytes = KeyLogFormat.chunkHeaderBytes + header.bodyBytes(varying: schema.stride == nil)
      let end = offset + UInt64(bytes)
      header.padding = (0 &- end) & (KeyLogFormat.blockBytes - 1)
    }
    let bodyBytes = header.bodyBytes(varying: schema.stride == nil)
    var body: [UInt8] = []
    body.reserveCapacity(bodyBytes)
    if let erased = unsafe run.erased {
      unsafe body.append(
        contentsOf: UnsafeRawBufferPointer(start: erased, count: (count + 63) / 64 * 8))
    }
    if let offsets = unsafe run.offsets {
      unsafe body.append(contentsOf: UnsafeRawBufferPointer(start: offsets, count: (count + 1) * 4))
    }
    unsafe body.append(contentsOf: UnsafeRawBufferPointer(start: run.tails, count: tailBytes))
    body.append(contentsOf: repeatElement(0, count: bodyBytes - body.count))
    let seed = KeyLogFormat.seed(identity, generation: state.generation, offset: offset)
    header.bodyChecksum = XXH3.hash64(body, seed: seed)
    return header.encoded(varying: schema.stride == nil, seed: seed) + body
  }
}

extension KeyLog {
  /// Writes the next generation of the log, in which the slots of some ids are empty.
  ///
  /// - Parameters:
  ///   - erased: the ids whose keys are left out, beside those erased before.
  ///   - generation: above every committed one.
  /// - Returns: the writer of the new file, not synced; its state is to be recorded.
  /// - Throws: `corrupt` if keys do not hold; `noSpace`, `io`.
  /// - Complexity: O(keys).
  package func rewrite(
    erasing erased: Set<UInt32>, as generation: UInt64, in files: any FileSystem,
    directory: String
  ) throws(LarderError) -> KeyLogWriter {
    let writer = try KeyLogWriter(
      creating: generation, of: schema, identity: identity, in: files, directory: directory)
    var id: UInt32 = 0
    while id < count {
      // In pieces, so that the memory stays bounded.
      let keys = NewKeys(schema: schema, first: id)
      let end = id + min(count - id, UInt32(KeyLogFormat.chunkKeys))
      while id < end {
        try unsafe keys.append(erased.contains(id) ? nil : tail(of: id))
        id += 1
      }
      try writer.append(keys)
    }
    return writer
  }
}
