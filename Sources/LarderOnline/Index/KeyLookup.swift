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

/// The index and the segments of one moment, for searching.
struct KeyLookup {
  let index: IndexMemory
  let segments: SegmentTable

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
    guard number < segments.count else { return .stale }
    let reference = unsafe segments.references[number]
    let sequence = index.sequence(ofNumber: number)
    guard sequence != 0, reference.sequence == sequence,
      let base = unsafe reference.base
    else { return .stale }
    let unit = slot.unit
    guard unit >= LogFormat.headerUnits, unit < Int(reference.units) else {
      return .damaged
    }
    let record = unsafe Record(base: base + unit &* LogFormat.unit)
    let units = record.units
    guard units >= 1, units <= Int(reference.units) &- unit, record.kind == RecordKind.row,
      record.computedChecksum(seed: reference.seed, slot: slot) == record.checksum,
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
    var patience = 64
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
            patience -= 1
            if entries.slot(entry) != bits, patience > 0 { continue attempt }
            // The number may have been given to another segment meanwhile.
            let isKnown =
              segments.sequence(ofNumber: slot.number)
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

  /// Searches for several keys, with the memory of all on its way at once.
  ///
  /// - Parameters:
  ///   - lanes: the keys; at most `window`.
  ///   - found: gets the answer of each lane, in order.
  @inline(__always) func find(
    _ lanes: UnsafePointer<KeyLane>, count: Int, into found: (Int, Found) -> Void
  ) {
    precondition(count <= KeyLookup.window)
    unsafe withUnsafeTemporaryAllocation(of: UInt64.self, capacity: KeyLookup.window) { work in
      let buckets = max(1, index.loadAcquiring(IndexFormat.buckets))
      for lane in 0..<count {
        let hash = unsafe lanes[lane].hash
        let line = IndexFormat.line(ofBucket: IndexFormat.bucket(of: hash, count: buckets))
        unsafe work[lane] = line
        if line < index.lines { unsafe larder_prefetch(index.address(ofLine: line)) }
      }
      for lane in 0..<count {
        let line = unsafe work[lane]
        unsafe work[lane] = 0
        guard line < index.lines else { continue }
        let entries = unsafe IndexLine(base: index.address(ofLine: line))
        var candidates = unsafe entries.candidates(IndexFormat.tag(of: lanes[lane].hash))
        guard let entry = candidates.next() else { continue }
        let slot = Slot(bits: entries.slot(entry))
        unsafe work[lane] = UInt64(slot.bits)
        if slot.number < segments.count, let base = unsafe segments.references[slot.number].base {
          let row = unsafe base + slot.unit &* LogFormat.unit
          unsafe larder_prefetch(row)
          unsafe larder_prefetch(row + LogFormat.unit)
        }
      }
      for lane in 0..<count {
        let key = unsafe lanes[lane]
        let slot = unsafe Slot(bits: UInt32(truncatingIfNeeded: work[lane]))
        if slot.bits != 0, case .match(let record) = unsafe judge(slot, key.tail, key.bytes) {
          found(lane, .row(record, slot))
        } else {
          found(lane, unsafe find(key.hash, key.tail, key.bytes))
        }
      }
    }
  }

  /// Keys that are searched for together.
  static let window = 64
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
  let batch: KeyBatch
  private let base: UnsafePointer<UInt8>
  private let offsets: UnsafePointer<Int32>?
  private let stride: Int

  var count: Int { batch.count }

  init(_ batch: KeyBatch) {
    self.batch = batch
    unsafe base = batch.tails.base
    unsafe offsets = batch.tails.offsets
    stride = batch.schema.stride ?? 0
  }

  /// A row's key; its hash is computed.
  @inline(__always) func lane(_ row: Int) -> KeyLane {
    if let offsets = unsafe offsets {
      let start = unsafe Int(offsets[row])
      let count = unsafe Int(offsets[row &+ 1]) &- start
      return unsafe KeyLane(
        hash: keyHash(base + start, count, stride), tail: base + start, bytes: count)
    }
    let tail = unsafe base + row &* stride
    return unsafe KeyLane(hash: keyHash(tail, stride, stride), tail: tail, bytes: stride)
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
