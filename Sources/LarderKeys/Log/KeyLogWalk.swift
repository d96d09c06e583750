import CLarderKernels
import LarderColumns
import LarderFiles

/// Reads the headers of a mapped key log from first to last.
@safe struct KeyLogWalk {
  let runs: KeyRuns
  private(set) var checksum: UInt64
  private(set) var offsets: [UInt64] = []
  private let map: MappedFile
  private let identity: KeyLogIdentity
  private let schema: KeySchema
  private let generation: UInt64
  private var offset: Int

  /// Checks the file's header.
  init(
    map: MappedFile, identity: KeyLogIdentity, schema: KeySchema, generation: UInt64
  ) throws(LarderError) {
    let expected = KeyLogFormat.header(identity, generation: generation, schema: schema)
    try Self.checkHeader(map, expected: expected)
    self.map = map
    self.identity = identity
    self.schema = schema
    self.generation = generation
    runs = KeyRuns(first: 0, stride: schema.stride)
    checksum = UInt64(littleEndian: expected.suffix(8))
    offset = expected.count
    runs.keep(map)
  }

  /// Takes over what another log of the same file knows, with the memory it lies in.
  mutating func resume(after earlier: KeyLog) {
    for owner in earlier.runs.owners { runs.keep(owner) }
    for index in 0..<earlier.runs.count {
      var run = unsafe earlier.runs.runs[index]
      unsafe run.verified = larder_key_run_verified(earlier.runs.runs + index)
      unsafe runs.append(run)
    }
    offsets = earlier.headerOffsets
    checksum = earlier.lastChecksum
    offset = Int(earlier.state.length)
  }

  /// Reads the chunk headers up to the end of the map.
  mutating func run() throws(LarderError) {
    while unsafe offset < map.bytes.count { try readChunk() }
  }

  private mutating func readChunk() throws(LarderError) {
    let headerBytes = KeyLogFormat.chunkHeaderBytes
    guard unsafe map.bytes.count - offset >= headerBytes else {
      throw corrupt("The key log ends within a chunk header.")
    }
    let start = offset
    let seed = KeyLogFormat.seed(identity, generation: generation, offset: UInt64(start))
    let decoded = unsafe KeyChunkHeader.decode(
      UnsafeRawBufferPointer(rebasing: map.bytes[start..<start + headerBytes]),
      stride: schema.stride, seed: seed)
    let header: KeyChunkHeader
    let ownChecksum: UInt64
    switch decoded {
    case .failure(let fault): throw corrupt("In the key log \(fault.reason).")
    case .success(let read): (header, ownChecksum) = read
    }
    guard header.previous == checksum, header.first == runs.end else {
      throw corrupt("A chunk of keys does not follow the one before it.")
    }
    guard Int(header.first) + Int(header.count) <= Limits.entities else {
      throw corrupt("The key log holds more than \(Limits.entities) keys.")
    }
    let bodyBytes = header.bodyBytes(varying: schema.stride == nil)
    guard unsafe bodyBytes <= map.bytes.count - start - headerBytes else {
      throw corrupt("The key log ends within a chunk.")
    }
    guard let base = unsafe map.bytes.baseAddress else { return }
    var at = start + headerBytes
    var run = unsafe larder_key_run(
      tails: (base + at).assumingMemoryBound(to: UInt8.self), offsets: nil, erased: nil,
      first: header.first, count: header.count, verified: 0, spare: 0)
    if header.hasErased {
      unsafe run.erased = (base + at).assumingMemoryBound(to: UInt64.self)
      at += (Int(header.count) + 63) / 64 * 8
    }
    if schema.stride == nil {
      unsafe run.offsets = (base + at).assumingMemoryBound(to: UInt32.self)
      at += (Int(header.count) + 1) * 4
    }
    unsafe run.tails = (base + at).assumingMemoryBound(to: UInt8.self)
    unsafe runs.append(run)
    offsets.append(UInt64(start))
    checksum = ownChecksum
    offset = start + headerBytes + bodyBytes
  }

  private static func checkHeader(
    _ map: MappedFile, expected: [UInt8]
  ) throws(LarderError) {
    func fail(_ code: LarderError.Code, _ message: String) -> LarderError {
      LarderError(code, message, file: map.path, offset: 0)
    }
    let found = unsafe Array(map.bytes.prefix(expected.count))
    if found == expected { return }
    guard found.count >= 16, found[..<8] == expected[..<8] else {
      throw fail(.corrupt, "The file is no key log.")
    }
    let version = UInt32(littleEndian: found[8..<12])
    if version > KeyLogFormat.version {
      throw fail(
        .unsupportedVersion,
        "The key log has format version \(version); this program reads \(KeyLogFormat.version).")
    }
    let total = Int(UInt32(littleEndian: found[12..<16]))
    let whole = unsafe Array(map.bytes.prefix(max(total, 64)))
    guard whole.count == total, total >= 64,
      XXH3.hash64(Array(whole.dropLast(8)), seed: 0) == UInt64(littleEndian: whole.suffix(8))
    else { throw fail(.corrupt, "The checksum of the key log's header does not hold.") }
    throw fail(.corrupt, "The key log belongs to another store, join-key set or generation.")
  }

  private func corrupt(_ message: String) -> LarderError {
    LarderError(.corrupt, message, file: map.path, offset: UInt64(offset))
  }
}
