import CLarderKernels
import LarderColumns
import LarderFiles

/// The keys of a join-key set as of a commit: id -> key, mapped and immutable.
///
/// The log is the truth about ids: dense, in order of first appearance, never reused. Chunk headers
/// are checked when the log is opened, each chunk's keys when first touched.
@safe package final class KeyLog: Sendable {
  /// Which log of which store.
  package let identity: KeyLogIdentity
  /// The keys' schema.
  package let schema: KeySchema
  /// The commit's generation, length and count.
  package let state: KeyLogState
  /// The path of the file, for messages.
  package let path: String
  let runs: KeyRuns
  /// The checksum in the last header, to which the next chunk is chained.
  let lastChecksum: UInt64
  /// Where each run's chunk header lies in the file.
  private let offsets: [UInt64]

  /// Opens a log as a commit left it.
  ///
  /// - Parameters:
  ///   - files: where the file is.
  ///   - directory: the folder of the join-key set.
  ///   - identity: which log it must be.
  ///   - schema: the join keys it must hold.
  ///   - state: what the manifest says of it.
  ///   - earlier: the same log as of an earlier commit, whose checks need not be repeated.
  /// - Throws: `notFound` if there is no such file; `corrupt` with the offset if it is shorter than
  ///   the manifest says, belongs elsewhere, or its headers do not hold; `unsupportedVersion`.
  /// - Complexity: O(chunks not in `earlier`); no keys are read.
  package static func open(
    in files: any FileSystem, directory: String, identity: KeyLogIdentity, schema: KeySchema,
    state: KeyLogState, after earlier: KeyLog? = nil
  ) throws(LarderError) -> KeyLog {
    let path = directory + "/" + KeyLogFormat.fileName(generation: state.generation)
    guard let length = Int(exactly: state.length) else {
      throw LarderError(.corrupt, "The manifest says \(state.length) bytes.", file: path)
    }
    let file = try files.open(path, .read)
    let map = try file.map(bytes: length)
    var walk = try KeyLogWalk(
      map: map, identity: identity, schema: schema, generation: state.generation)
    if let earlier, earlier.isPrefix(of: identity, schema, state) {
      walk.resume(after: earlier)
    }
    try walk.run()
    guard walk.runs.end == state.count else {
      throw LarderError(
        .corrupt, "The key log holds \(walk.runs.end) keys; the manifest says \(state.count).",
        file: path, offset: state.length)
    }
    guard state.checksum == 0 || walk.checksum == state.checksum else {
      throw LarderError(
        .corrupt,
        "The key log holds other keys than those that were committed: its last chunk has the "
          + "checksum \(String(walk.checksum, radix: 16)); the manifest says "
          + "\(String(state.checksum, radix: 16)).", file: path, offset: state.length)
    }
    return KeyLog(identity: identity, schema: schema, state: state, path: path, walk: walk)
  }

  private init(
    identity: KeyLogIdentity, schema: KeySchema, state: KeyLogState, path: String,
    walk: consuming KeyLogWalk
  ) {
    self.identity = identity
    self.schema = schema
    self.state = state
    self.path = path
    runs = walk.runs
    lastChecksum = walk.checksum
    offsets = walk.offsets
  }

  private func isPrefix(
    of identity: KeyLogIdentity, _ schema: KeySchema, _ state: KeyLogState
  ) -> Bool {
    guard self.identity == identity, self.schema == schema,
      self.state.generation == state.generation, self.state.length <= state.length
    else { return false }
    // Chunks that follow are chained to the last one; where none do, the manifest says which it is.
    return self.state.length < state.length || state.checksum == 0
      || state.checksum == lastChecksum
  }

  /// The checksum that binds the keys below a count; nil if no chunk ends there.
  ///
  /// - Complexity: O(log chunks).
  func checksum(atCount count: UInt32) -> UInt64? {
    if count == self.count { return lastChecksum }
    var low = 0
    var high = runs.count
    while low < high {
      let middle = (low + high) / 2
      if unsafe runs.runs[middle].first < count { low = middle + 1 } else { high = middle }
    }
    guard low < runs.count, unsafe runs.runs[low].first == count else { return nil }
    // Its header lies before the body and names the checksum of the one before.
    let header = unsafe bodyStart(of: runs.runs[low]) - KeyLogFormat.chunkHeaderBytes
    return unsafe UInt64(
      littleEndian: header.loadUnaligned(
        fromByteOffset: KeyChunkHeader.previousOffset, as: UInt64.self))
  }

  /// How many ids there are, erased slots included.
  package var count: UInt32 { state.count }

  /// Chunk headers' offsets, for `KeyLogWalk.resume`.
  var headerOffsets: [UInt64] { offsets }

  /// Where the chunks start, and the first id of each.
  package var boundaries: [(offset: UInt64, first: UInt32)] {
    offsets.enumerated().map { index, offset in (offset, unsafe runs.runs[index].first) }
  }
}

extension KeyLog {
  /// The tail of an id, valid while the log lives; nil if its key was erased.
  ///
  /// - Throws: `invalidArgument` for an id that was not given out; `corrupt` if the chunk's bytes do
  ///   not hold.
  /// - Complexity: O(1), and O(chunk) at the first touch of a chunk.
  package func tail(of id: UInt32) throws(LarderError) -> UnsafeRawBufferPointer? {
    guard id < count else {
      throw LarderError(
        .invalidArgument, "The id \(id) was not given out; there are \(count).", file: path)
    }
    try verify(run: runs.run(of: id))
    return unsafe runs.tail(of: id)
  }

  /// Feast's bytes of the key of an id; nil if it was erased.
  ///
  /// - Throws: as `tail(of:)`.
  package func key(of id: UInt32) throws(LarderError) -> [UInt8]? {
    guard let tail = unsafe try tail(of: id) else { return nil }
    return try unsafe schema.key(fromTail: tail)
  }

  /// Checks all keys against their checksums.
  ///
  /// - Throws: `corrupt` at the first that do not hold.
  package func verify() throws(LarderError) {
    for run in 0..<runs.count { try verify(run: run) }
  }

  /// Checks a chunk's body once: its checksum, then that its offsets stay inside.
  func verify(run index: Int) throws(LarderError) {
    let run = unsafe runs.runs + index
    if unsafe larder_key_run_verified(run) != 0 { return }
    let offset = offsets[index]
    // The header was checked when the log was opened, and lies just before the body.
    let header = unsafe bodyStart(of: run.pointee) - KeyLogFormat.chunkHeaderBytes
    let seed = KeyLogFormat.seed(identity, generation: state.generation, offset: offset)
    let decoded = unsafe KeyChunkHeader.decode(
      UnsafeRawBufferPointer(start: header, count: KeyLogFormat.chunkHeaderBytes),
      stride: schema.stride, seed: seed)
    guard case .success(let (fields, _)) = decoded else {
      throw corrupt("A chunk header changed after it was checked.", at: offset)
    }
    let body = unsafe UnsafeRawBufferPointer(
      start: header + KeyLogFormat.chunkHeaderBytes,
      count: fields.bodyBytes(varying: schema.stride == nil))
    guard unsafe XXH3.hash64(body, seed: seed) == fields.bodyChecksum else {
      throw corrupt("The checksum of a chunk of \(fields.count) keys does not hold.", at: offset)
    }
    if let offsets = unsafe run.pointee.offsets {
      var last: UInt32 = 0
      var ordered = unsafe offsets[0] == 0
      for key in 1...Int(fields.count) {
        let next = unsafe offsets[key]
        ordered = ordered && last <= next
        last = next
      }
      guard ordered, UInt64(last) == fields.tailBytes else {
        throw corrupt("The offsets of a chunk of keys are out of order.", at: offset)
      }
    }
    unsafe larder_key_run_mark_verified(run)
  }

  private func bodyStart(of run: larder_key_run) -> UnsafeRawPointer {
    if let erased = unsafe run.erased { return unsafe UnsafeRawPointer(erased) }
    if let offsets = unsafe run.offsets { return unsafe UnsafeRawPointer(offsets) }
    return unsafe UnsafeRawPointer(run.tails)
  }

  private func corrupt(_ message: String, at offset: UInt64) -> LarderError {
    LarderError(.corrupt, message, file: path, offset: offset)
  }
}
