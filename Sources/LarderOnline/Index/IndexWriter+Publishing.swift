import CLarderKernels
import Glibc
import LarderColumns

extension IndexWriter {
  /// How many changes are published at once, which splits buckets with memory on its way.
  private static let publishedTogether = 1 << 13

  /// Points the index to rows of one batch that are in the log; no two are of one key.
  func apply(_ slots: [UInt32]) throws(LarderError) {
    var tails = WindowTails(stride: stride)
    let window = WindowMemory()
    let found = window.found
    var changes: [PendingRow] = []
    changes.reserveCapacity(min(slots.count, IndexWriter.publishedTogether) + KeyLookup.window)
    var start = 0
    while start < slots.count {
      let count = min(KeyLookup.window, slots.count - start)
      tails.clear()
      for lane in 0..<count {
        unsafe tails.append(logFiles.record(Slot(bits: slots[start + lane])).tail, at: lane)
      }
      let lookup = KeyLookup(index: memory, logFiles: logFiles)
      if lookup.find(tails.keys(count), 0, count, rowLines: 2, into: found) != nil {
        throw IndexWriter.damaged
      }
      for lane in 0..<count {
        let new = slots[start + lane]
        var change = unsafe PendingRow(
          hash: found.hashes[lane], new: new, old: 0,
          newUnits: UInt32(truncatingIfNeeded: logFiles.record(Slot(bits: new)).units),
          oldUnits: 0)
        if let base = unsafe found.rows[lane] {
          change.old = unsafe found.slots[lane]
          change.oldUnits = unsafe UInt32(truncatingIfNeeded: Record(base: base).units)
          if change.old == new { continue }
        }
        changes.append(change)
      }
      start += count
      if changes.count >= IndexWriter.publishedTogether || start == slots.count {
        try publish(changes)
        changes.removeAll(keepingCapacity: true)
      }
    }
  }

  /// The key of a row that was checked before.
  func lane(of slot: Slot) -> KeyLane {
    let record = logFiles.record(slot)
    let tail = unsafe (record.base + Record.rowHeaderBytes).assumingMemoryBound(to: UInt8.self)
    return unsafe KeyLane(
      hash: keyHash(tail, record.keyBytes, stride), tail: tail, bytes: record.keyBytes)
  }

  /// Makes rows visible: one store each.
  func publish(_ rows: [PendingRow]) throws(LarderError) {
    try splitBuckets(inserts: rows.count { $0.old == 0 })
    let ahead = 16
    let buckets = memory.load(IndexFormat.buckets)
    for row in rows.prefix(ahead) { prefetch(row.hash, buckets) }
    var live = LiveUnits()
    for position in 0..<rows.count {
      if position &+ ahead < rows.count { prefetch(rows[position &+ ahead].hash, buckets) }
      let row = rows[position]
      if row.old == 0 {
        try insert(row.hash, slot: row.new)
      } else if try replace(row.hash, old: row.old, new: row.new) {
        live.add(-Int(row.oldUnits), Slot(bits: row.old).number, memory)
      } else {
        throw IndexWriter.damaged
      }
      live.add(Int(row.newUnits), Slot(bits: row.new).number, memory)
    }
    live.flush(memory)
  }
}

/// Collects changes to a log file's live units while they concern the same one.
private struct LiveUnits {
  private var number = 0
  private var units = 0

  @inline(__always) mutating func add(_ units: Int, _ number: Int, _ memory: IndexMemory) {
    if number != self.number {
      flush(memory)
      self.number = number
    }
    self.units &+= units
  }

  mutating func flush(_ memory: IndexMemory) {
    if units != 0 { memory.addLive(units, number: number) }
    units = 0
  }
}

/// The tails of a window of rows in the log, one after the other as lookups take them.
private struct WindowTails {
  private var tails: Buffer
  private let offsets = Buffer(zeroedBytes: (KeyLookup.window + 1) * 4)
  private let stride: Int
  private var end = 0

  /// - Parameter stride: bytes of every tail; 0 if they vary.
  init(stride: Int) {
    self.stride = stride
    tails = Buffer(uninitializedBytes: KeyLookup.window * max(stride, 32))
  }

  /// Begins a window.
  mutating func clear() { end = 0 }

  /// Adds the tail of the next row.
  mutating func append(_ tail: UnsafeRawBufferPointer, at lane: Int) {
    if end + tail.count > tails.count {
      let longer = Buffer(uninitializedBytes: (end + tail.count) * 2)
      unsafe memcpy(longer.base, tails.base, end)
      tails = longer
    }
    if let start = tail.baseAddress { unsafe memcpy(tails.base + end, start, tail.count) }
    end += tail.count
    unsafe offsets.base.storeBytes(
      of: Int32(truncatingIfNeeded: end), toByteOffset: (lane + 1) * 4, as: Int32.self)
  }

  /// The keys of the window; valid until the next one begins.
  func keys(_ count: Int) -> TableKeys {
    unsafe TableKeys(
      larder_key_tails(
        tails: UnsafePointer(tails.base.assumingMemoryBound(to: UInt8.self)),
        offsets: stride > 0
          ? nil : UnsafePointer(offsets.base.assumingMemoryBound(to: Int32.self)),
        stride: stride),
      count: count)
  }
}
