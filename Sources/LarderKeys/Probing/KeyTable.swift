import CLarderKernels
import LarderColumns

/// A hash table of keys in memory: tag -> id.
///
/// Open addressing by cache lines of five slots. Entries are only ever added, by one thread at a
/// time, while others search: a search then finds the new key or does not, and a snapshot ignores
/// ids at and above its count.
@safe final class KeyTable: @unchecked Sendable {
  /// How keys are told apart.
  let tags: KeyTags
  /// Guards additions; holds the id up to which all keys are in.
  let covered: ForkSafeMutex<UInt32>
  private let memory: Buffer
  /// Kernels take it by address; only its maker and `covered`'s holder write through it.
  let table: UnsafeMutablePointer<larder_key_table>
  private(set) var count = 0
  private let capacity: Int

  /// Makes a table that holds so many keys before it must grow.
  ///
  /// - Parameters:
  ///   - keys: how many keys it must hold.
  ///   - tags: how keys are told apart.
  ///   - first: the first id that is to be added.
  init(keys: Int, tags: KeyTags, first: UInt32) {
    self.tags = tags
    covered = ForkSafeMutex(first)
    let lines = Self.lines(forKeys: keys)
    capacity = lines * Self.keysPerTwoLines / 2
    memory = Buffer(uninitializedBytes: lines * MemoryLayout<larder_key_line>.stride)
    let start = unsafe memory.base.assumingMemoryBound(to: larder_key_line.self)
    unsafe clearLines(start, count: lines)
    unsafe table = .allocate(capacity: 1)
    unsafe table.initialize(
      to: larder_key_table(
        lines: start, homes: UInt64(lines), count: UInt64(lines), hash_mask: tags.hashMask,
        verified: nil, tags_are_hashes: tags.areHashes ? 1 : 0, spare: 0))
  }

  deinit { unsafe table.deallocate() }

  /// Keys in two lines: half of the slots.
  ///
  /// Then 2.5 % of the keys lie beyond their first line; at
  /// two thirds it would be 7 %, each a miss of its own, and lookups measured 1.5 times slower.
  static let keysPerTwoLines = 5

  /// How many lines hold so many keys at the load above.
  static func lines(forKeys keys: Int) -> Int { keys * 2 / keysPerTwoLines + 1 }

  /// How many keys it takes before it must grow.
  var room: Int { capacity - count }

  /// Looks tags up.
  func find(
    _ tags: UnsafePointer<UInt64>, count: Int, into ids: UnsafeMutablePointer<UInt32>
  ) {
    var blocked: UInt64 = 0
    unsafe _ = larder_keys_find(table, tags, count, ids, &blocked)
  }

  /// Looks up in the table the tags that have no id yet.
  func findMissing(
    _ tags: UnsafePointer<UInt64>, count: Int, into ids: UnsafeMutablePointer<UInt32>,
    _ scratch: KeyScratch
  ) {
    var missing = 0
    for row in 0..<count {
      unsafe scratch.lanes[missing] = UInt32(truncatingIfNeeded: row)
      unsafe scratch.missingTags[missing] = tags[row]
      missing &+= unsafe ids[row] == .max ? 1 : 0
    }
    unsafe find(scratch.missingTags, count: missing, into: scratch.ids)
    for lane in 0..<missing { unsafe ids[Int(scratch.lanes[lane])] = scratch.ids[lane] }
  }

  /// Adds keys; ids of `UInt32.max` are left out.
  ///
  /// - Precondition: there is room for all.
  func insert(_ tags: UnsafePointer<UInt64>, ids: UnsafePointer<UInt32>, count: Int) {
    precondition(count <= room)
    unsafe larder_keys_insert(table, tags, ids, count)
    self.count += count
  }

  /// Says that a kernel added keys.
  func didAdd(_ keys: Int) { count += keys }

  /// A table with the same keys and room for more.
  func grown(toHold keys: Int) -> KeyTable {
    let larger = KeyTable(keys: keys, tags: tags, first: covered.withLock { $0 })
    guard let lines = unsafe table.pointee.lines else { return larger }
    withScratch { scratch in
      var held = 0
      for line in unsafe 0..<Int(table.pointee.count) {
        for slot in 0..<Int(LARDER_KEY_SLOTS) {
          let entry = unsafe readSlot(lines + line, slot)
          guard entry.id != .max else { break }
          unsafe scratch.tags[held] = entry.tag
          unsafe scratch.ids[held] = entry.id
          held += 1
        }
        if held > KeyTags.chunkRows - Int(LARDER_KEY_SLOTS) {
          unsafe larger.insert(scratch.tags, ids: scratch.ids, count: held)
          held = 0
        }
      }
      unsafe larger.insert(scratch.tags, ids: scratch.ids, count: held)
    }
    return larger
  }
}

/// Makes lines empty.
func clearLines(_ lines: UnsafeMutablePointer<larder_key_line>, count: Int) {
  let none = UInt32.max
  let empty = larder_key_line(
    tags: (0, 0, 0, 0, 0), ids: (none, none, none, none, none, none))
  for line in 0..<count { unsafe lines[line] = empty }
}

/// A slot's tag and id.
func readSlot(
  _ line: UnsafePointer<larder_key_line>, _ slot: Int
) -> (tag: UInt64, id: UInt32) {
  let raw = unsafe UnsafeRawPointer(line)
  return unsafe (
    raw.load(fromByteOffset: slot * 8, as: UInt64.self),
    raw.load(fromByteOffset: Int(LARDER_KEY_SLOTS) * 8 + slot * 4, as: UInt32.self)
  )
}

/// Memory for one chunk of rows.
@safe struct KeyScratch {
  let tags: UnsafeMutablePointer<UInt64>
  let missingTags: UnsafeMutablePointer<UInt64>
  let ids: UnsafeMutablePointer<UInt32>
  let lanes: UnsafeMutablePointer<UInt32>
}

/// Lends memory for one chunk of rows.
func withScratch<E: Error>(_ body: (KeyScratch) throws(E) -> Void) throws(E) {
  let rows = KeyTags.chunkRows
  let memory = Buffer(uninitializedBytes: rows * 24)
  let base = unsafe memory.base
  defer { withExtendedLifetime(memory) {} }
  try unsafe body(
    KeyScratch(
      tags: base.assumingMemoryBound(to: UInt64.self),
      missingTags: (base + rows * 8).assumingMemoryBound(to: UInt64.self),
      ids: (base + rows * 16).assumingMemoryBound(to: UInt32.self),
      lanes: (base + rows * 20).assumingMemoryBound(to: UInt32.self)))
}
