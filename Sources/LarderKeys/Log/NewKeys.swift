import CLarderKernels
import LarderColumns

/// Tails of keys that a log does not hold yet, in order of their ids: what the next append writes.
///
/// Their runs have the limits of the log's chunks, so that each becomes one.
@safe package final class NewKeys: @unchecked Sendable {
  /// The keys' schema.
  package let schema: KeySchema
  let runs: KeyRuns
  // The open run: its memory, and what of it is taken.
  private var tails = Buffer(uninitializedBytes: 0)
  private var offsets = Buffer(uninitializedBytes: 0)
  private var keys = KeyLogFormat.chunkKeys
  private var tailBytes = 0

  /// Makes an empty list of the keys from an id on.
  package init(schema: KeySchema, first: UInt32) {
    self.schema = schema
    runs = KeyRuns(first: first, stride: schema.stride)
  }

  /// The first id.
  package var first: UInt32 { runs.first }
  /// The id after the last.
  package var end: UInt32 { runs.end }
  /// Whether there is none.
  package var isEmpty: Bool { runs.end == runs.first }

  /// Adds a key, which gets the id `end`; nil adds an erased slot.
  ///
  /// - Parameter tail: bytes in the form that the schema says, which is not checked further.
  /// - Throws: `limitExceeded` above `Limits.entities` ids or with too long a tail.
  package func append(_ tail: UnsafeRawBufferPointer?) throws(LarderError) {
    let length = unsafe tail?.count ?? schema.stride ?? 0
    guard length <= schema.longestTail else {
      throw LarderError(
        .limitExceeded, "A serialized entity key has at most \(Limits.keyBytes) bytes.")
    }
    guard Int(runs.end) < Limits.entities else {
      throw LarderError(
        .limitExceeded, "A join-key set has at most \(Limits.entities) distinct entities.")
    }
    precondition(schema.stride.map { $0 == length } ?? true)
    if keys == KeyLogFormat.chunkKeys
      || (schema.stride == nil && tailBytes + length > KeyLogFormat.chunkTailBytes)
    {
      openRun()
    } else {
      runs.extendLast(by: 1)
    }
    let target = unsafe tails.base + tailBytes
    if let source = unsafe tail?.baseAddress {
      unsafe target.copyMemory(from: source, byteCount: length)
    } else if unsafe tail == nil {
      unsafe target.initializeMemory(as: UInt8.self, repeating: 0, count: length)
      markErased(keys)
    }
    tailBytes += length
    keys += 1
    if schema.stride == nil {
      unsafe offsets.base.storeBytes(of: UInt32(tailBytes), toByteOffset: keys * 4, as: UInt32.self)
    }
  }

  /// Opens a run that holds one key, whose bytes the caller fills in.
  private func openRun() {
    tailBytes = 0
    keys = 0
    let varying = schema.stride == nil
    tails = Buffer(
      uninitializedBytes: schema.stride.map { $0 * KeyLogFormat.chunkKeys }
        ?? KeyLogFormat.chunkTailBytes)
    runs.keep(tails)
    if varying {
      offsets = Buffer(uninitializedBytes: (KeyLogFormat.chunkKeys + 1) * 4)
      unsafe offsets.base.storeBytes(of: 0, as: UInt32.self)
      runs.keep(offsets)
    }
    unsafe runs.append(
      larder_key_run(
        tails: UnsafePointer(tails.base.assumingMemoryBound(to: UInt8.self)),
        offsets: varying ? UnsafePointer(offsets.base.assumingMemoryBound(to: UInt32.self)) : nil,
        erased: nil, first: runs.end, count: 1, verified: 1, spare: 0))
  }

  private func markErased(_ slot: Int) {
    let run = runs.count - 1
    let words: UnsafeMutablePointer<UInt64>
    if let erased = unsafe runs.runs[run].erased {
      unsafe words = UnsafeMutablePointer(mutating: erased)
    } else {
      let buffer = Buffer(zeroedBytes: KeyLogFormat.chunkKeys / 8)
      runs.keep(buffer)
      unsafe words = buffer.base.assumingMemoryBound(to: UInt64.self)
      unsafe runs.runs[run].erased = UnsafePointer(words)
    }
    unsafe words[slot / 64] |= 1 << UInt64(slot % 64)
  }
}
