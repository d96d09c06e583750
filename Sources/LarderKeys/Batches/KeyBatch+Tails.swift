import CLarderKernels
import LarderColumns

extension KeyBatch {
  /// Where the tails lie, for lookups of other modules; valid while the batch lives.
  ///
  /// Row r's tail begins at `base + r * schema.stride`, or at `base + offsets[r]` if there are
  /// offsets, of which there is one more than there are rows.
  package var tails: (base: UnsafePointer<UInt8>, offsets: UnsafePointer<Int32>?) {
    unsafe (base, offsets)
  }

  /// The form in which kernels take the tails; valid while the batch lives.
  package var kernelView: larder_key_tails { unsafe view }

  /// The keys of rows of one int64 join key, in memory that the caller keeps while the batch lives.
  ///
  /// - Precondition: the schema is of one int64 key.
  package init(borrowing keys: UnsafeBufferPointer<Int64>, schema: KeySchema) {
    precondition(schema.stride == 8)
    // A pointer is needed even where there are no rows; nothing is read through it then.
    let empty: StaticString = ""
    let base = unsafe UnsafeRawPointer(keys.baseAddress).map {
      unsafe $0.assumingMemoryBound(to: UInt8.self)
    }
    unsafe self.init(
      schema: schema, count: keys.count, base: base ?? empty.utf8Start, offsets: nil, marks: nil,
      owners: [])
  }

  /// Whether some row may have no key.
  package var hasMarks: Bool { marks != nil }
}
