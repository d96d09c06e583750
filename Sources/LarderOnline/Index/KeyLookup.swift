import CLarderKernels
import LarderColumns
import LarderKeys

/// What became of the search for a key.
enum Found {
  /// Its row, and where that lies.
  case row(Record, Slot)
  case absent
  /// The reader's maps are behind: refresh them and search again.
  case stale
  /// A row that may be this key's does not match its checksum.
  case damaged(Slot)
}

/// The index and the log files of one moment, for searching.
struct KeyLookup {
  let index: IndexMemory
  let logFiles: LogFileTable

  /// What one candidate is.
  private enum Candidate {
    case match(Record)
    case other
    case stale
    case damaged
  }

  /// Judges the row that an entry names.
  @inline(__always) private func judge(
    _ slot: Slot, _ tail: UnsafePointer<UInt8>, _ tailBytes: Int
  ) -> Candidate {
    let number = slot.number
    guard number < logFiles.count else { return .stale }
    let reference = unsafe logFiles.references[number]
    let sequence = index.sequence(ofNumber: number)
    guard sequence != 0, unsafe reference.sequence == sequence,
      let base = unsafe reference.base
    else { return .stale }
    let unit = slot.unit
    guard unit >= LogFormat.headerUnits, unsafe unit < Int(reference.units) else {
      return .damaged
    }
    let record = unsafe Record(base: base + unit &* LogFormat.unit)
    let units = record.units
    guard units >= 1, unsafe units <= Int(reference.units) &- unit, record.kind == RecordKind.row,
      unsafe record.computedChecksum(seed: reference.seed, slot: slot) == record.checksum,
      record.isBounded
    else { return .damaged }
    guard record.keyBytes == tailBytes else { return .other }
    return unsafe tailsAreEqual(record.base + Record.rowHeaderBytes, tail, tailBytes)
      ? .match(record) : .other
  }

  /// Searches for a key.
  ///
  /// Concurrent stores are met like this: what is found is checked against the row; a search that
  /// found nothing is repeated if buckets were split or overflow lines unlinked meanwhile; and an
  /// entry that does not hold is read again before it counts as damage.
  func find(_ hash: UInt64, _ tail: UnsafePointer<UInt8>, _ tailBytes: Int) -> Found {
    let tag = IndexFormat.tag(of: hash)
    var attempts = 64
    attempt: while true {
      let buckets = index.loadAcquiring(IndexFormat.buckets)
      let relinks = index.loadAcquiring(IndexFormat.relinks)
      var line = IndexFormat.line(
        ofBucket: IndexFormat.bucket(of: hash, count: max(1, buckets)))
      var steps: UInt64 = 0
      while true {
        guard line < index.lines else { return .stale }
        let entries = unsafe IndexLine(base: index.address(ofLine: line))
        var candidates = entries.candidates(tag)
        while let entry = candidates.next() {
          let bits = entries.slot(entry)
          if bits == 0 { continue }
          let slot = Slot(bits: bits)
          switch unsafe judge(slot, tail, tailBytes) {
          case .match(let record): return .row(record, slot)
          case .other: continue
          case .stale, .damaged:
            attempts -= 1
            if entries.slot(entry) != bits, attempts > 0 { continue attempt }
            // The number may have been given to another log file meanwhile.
            let isKnown =
              logFiles.sequence(ofNumber: slot.number)
              .map { $0 == index.sequence(ofNumber: slot.number) } ?? false
            return isKnown ? .damaged(slot) : .stale
          }
        }
        let next = entries.next
        if next == 0 { break }
        line = IndexFormat.line(ofOverflow: UInt64(next) &- 1)
        steps += 1
        // A chain has no more lines than there are: more is a circle in a damaged index.
        if steps > index.lines { return .stale }
      }
      if index.loadAcquiring(IndexFormat.buckets) == buckets,
        index.loadAcquiring(IndexFormat.relinks) == relinks
      {
        return .absent
      }
    }
  }
}

/// Whether two tails have the same bytes.
@inline(__always) func tailsAreEqual(
  _ a: UnsafeRawPointer, _ b: UnsafePointer<UInt8>, _ count: Int
) -> Bool {
  let b = unsafe UnsafeRawPointer(b)
  if count == 8 {
    return unsafe a.loadUnaligned(as: UInt64.self) == b.loadUnaligned(as: UInt64.self)
  }
  var offset = 0
  while count &- offset >= 8 {
    if unsafe a.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      != b.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    {
      return false
    }
    offset &+= 8
  }
  while offset < count {
    if unsafe a.load(fromByteOffset: offset, as: UInt8.self)
      != b.load(fromByteOffset: offset, as: UInt8.self)
    {
      return false
    }
    offset &+= 1
  }
  return true
}

/// A key that is searched for.
@safe struct KeyLane {
  var hash: UInt64
  var tail: UnsafePointer<UInt8>
  var bytes: Int
}

/// The keys of a batch as lookups take them.
@safe struct TableKeys {
  /// The form in which kernels take the tails; valid while what holds them lives.
  let kernelView: larder_key_tails
  let count: Int
  /// Bytes of every tail; 0 if they vary.
  let stride: Int
  /// Holds the tails, and knows which rows have no key; nil where all have one.
  private let batch: KeyBatch?

  init(_ batch: KeyBatch) {
    unsafe kernelView = batch.kernelView
    count = batch.count
    stride = batch.schema.stride ?? 0
    self.batch = batch
  }

  /// Takes tails that the caller holds, one for each row.
  init(_ tails: larder_key_tails, count: Int) {
    unsafe kernelView = tails
    self.count = count
    unsafe stride = tails.stride
    batch = nil
  }

  /// Whether some row may have no key.
  var hasMarks: Bool { batch?.hasMarks ?? false }
  /// Whether a row has a key.
  func hasKey(_ row: Int) -> Bool { batch.map { $0.mark(row) == .key } ?? true }

  /// The bytes of a row's key; they have an address even if there are none.
  @inline(__always) func tail(_ row: Int) -> UnsafeRawBufferPointer {
    guard let offsets = unsafe kernelView.offsets else {
      return unsafe UnsafeRawBufferPointer(start: kernelView.tails + row &* stride, count: stride)
    }
    let start = unsafe Int(offsets[row])
    return unsafe UnsafeRawBufferPointer(
      start: kernelView.tails + start, count: Int(offsets[row &+ 1]) &- start)
  }

  /// A row's key; its hash is computed.
  @inline(__always) func lane(_ row: Int) -> KeyLane {
    if let offsets = unsafe kernelView.offsets {
      let start = unsafe Int(offsets[row])
      let count = unsafe Int(offsets[row &+ 1]) &- start
      let tail = unsafe kernelView.tails + start
      return unsafe KeyLane(hash: keyHash(tail, count, stride), tail: tail, bytes: count)
    }
    let tail = unsafe kernelView.tails + row &* stride
    return unsafe KeyLane(hash: keyHash(tail, stride, stride), tail: tail, bytes: stride)
  }

  /// Computes the hashes of all keys.
  func hash(into hashes: UnsafeMutablePointer<UInt64>) {
    guard KeyLookup.hasKernel else {
      for row in 0..<count { unsafe hashes[row] = lane(row).hash }
      return
    }
    var tails = unsafe kernelView
    unsafe larder_online_hashes(&tails, 0, count, hashes)
  }
}

/// The hash of a tail, as everywhere in the store.
///
/// - Parameter stride: bytes of all tails of the schema, or 0 if they vary.
func keyHash(_ tail: UnsafePointer<UInt8>, _ count: Int, _ stride: Int) -> UInt64 {
  let raw = unsafe UnsafeRawPointer(tail)
  switch stride {
  case 8: return unsafe KeyHash.hash(raw.loadUnaligned(as: UInt64.self))
  case 4: return unsafe KeyHash.hash(UInt64(raw.loadUnaligned(as: UInt32.self)))
  default: return unsafe KeyHash.hash(UnsafeRawBufferPointer(start: raw, count: count))
  }
}
