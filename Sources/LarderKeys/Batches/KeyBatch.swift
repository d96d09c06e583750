import CLarderKernels
import LarderColumns

/// The keys of many rows as tails in one piece of memory: what lookups and appends take.
///
/// Borrows the column's memory where its values already are tails: a single int64, int32, string
/// or bytes column without a dictionary. Otherwise it holds a converted copy.
@safe package struct KeyBatch: @unchecked Sendable {
  /// The keys' schema.
  package let schema: KeySchema
  /// How many rows.
  package let count: Int
  // Row 0's tail lies at the start of `base` with a stride, or at `offsets[0]`.
  let base: UnsafePointer<UInt8>
  let offsets: UnsafePointer<Int32>?
  /// One byte per row, a `KeyMark`; nil if every row has a key.
  let marks: Buffer?
  let owners: [Buffer]

  init(
    schema: KeySchema, count: Int, base: UnsafePointer<UInt8>, offsets: UnsafePointer<Int32>?,
    marks: Buffer?, owners: [Buffer]
  ) {
    self.schema = schema
    self.count = count
    unsafe self.base = base
    unsafe self.offsets = offsets
    self.marks = marks
    self.owners = owners
  }

  /// The keys of rows of a view without entities: the empty string.
  package static func entityless(count: Int) -> KeyBatch {
    let offsets = Buffer(zeroedBytes: (count + 1) * 4)
    return unsafe KeyBatch(
      schema: .entityless, count: count,
      base: UnsafePointer(offsets.base.assumingMemoryBound(to: UInt8.self)),
      offsets: UnsafePointer(offsets.base.assumingMemoryBound(to: Int32.self)), marks: nil,
      owners: [offsets])
  }

  /// The form in which kernels take the tails; valid while the batch lives.
  var view: larder_key_tails {
    unsafe larder_key_tails(tails: base, offsets: offsets, stride: schema.stride ?? 0)
  }

  /// What a row has for a key.
  ///
  /// - Precondition: `0 <= row < count`.
  package func mark(_ row: Int) -> KeyMark {
    precondition(row >= 0 && row < count)
    guard let marks else { return .key }
    return unsafe KeyMark(rawValue: marks.base.load(fromByteOffset: row, as: UInt8.self)) ?? .key
  }

  /// A row's tail, valid while the batch lives; of unspecified bytes where the mark is not `key`.
  ///
  /// - Precondition: `0 <= row < count`.
  package func tail(_ row: Int) -> UnsafeRawBufferPointer {
    precondition(row >= 0 && row < count)
    if let stride = schema.stride {
      return unsafe UnsafeRawBufferPointer(start: base + row * stride, count: stride)
    }
    guard let offsets = unsafe offsets else {
      return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    }
    let start = unsafe Int(offsets[row])
    return unsafe UnsafeRawBufferPointer(
      start: base + start, count: Int(offsets[row + 1]) - start)
  }
}

/// What a row has for a key.
package enum KeyMark: UInt8, Sendable {
  /// A key.
  case key = 0
  /// A null in one of the join keys: it never matches.
  case null = 1
  /// A value that no key can have, such as 2^40 for an int32: it is unknown.
  case outOfRange = 2
}

/// What keys are converted for.
package enum KeyUse: Sendable {
  /// A query: nulls and values out of range match nothing.
  case lookup
  /// An append: nulls and values out of range are refused.
  case write
}
