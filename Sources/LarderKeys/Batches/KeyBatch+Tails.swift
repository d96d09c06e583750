import LarderColumns

extension KeyBatch {
  /// Where the tails lie, for lookups of other modules; valid while the batch lives.
  ///
  /// Row r's tail begins at `base + r * schema.stride`, or at `base + offsets[r]` if there are
  /// offsets, of which there is one more than there are rows.
  package var tails: (base: UnsafePointer<UInt8>, offsets: UnsafePointer<Int32>?) {
    unsafe (base, offsets)
  }

  /// Whether some row may have no key.
  package var hasMarks: Bool { marks != nil }
}
