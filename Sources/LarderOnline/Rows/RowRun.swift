import LarderColumns

/// Rows of one batch that are made side by side: every step is taken for all of them.
///
/// Plain memory for as many rows as are searched for together.
@safe final class RowRun {
  /// The rows' numbers in the batch.
  let rows: UnsafeMutablePointer<Int32>
  /// Their places among the answers of the search.
  let lanes: UnsafeMutablePointer<Int32>
  /// Units of each record.
  let units: UnsafeMutablePointer<UInt32>
  /// Where each record will lie.
  let slots: UnsafeMutablePointer<UInt32>
  /// What each record's checksum begins from, and the checksums.
  let states: UnsafeMutablePointer<UInt32>
  let checksums: UnsafeMutablePointer<UInt32>
  /// Where each record is made.
  let bases: UnsafeMutablePointer<UnsafeMutableRawPointer>
  /// Where its features begin.
  let targets: UnsafeMutablePointer<UnsafeMutableRawPointer>
  /// Where its variable part ends so far, from the record's start.
  let ends: UnsafeMutablePointer<Int>
  /// The row before, if the new one has anything of it; else nil.
  let kept: UnsafeMutablePointer<UnsafeRawPointer?>
  /// How each record is made.
  let makings: UnsafeMutablePointer<RowMaking>
  private let buffer: Buffer

  init() {
    let window = KeyLookup.window
    buffer = Buffer(zeroedBytes: window * 57)
    let base = unsafe buffer.base
    unsafe bases = base.assumingMemoryBound(to: UnsafeMutableRawPointer.self)
    unsafe targets = (base + window * 8).assumingMemoryBound(to: UnsafeMutableRawPointer.self)
    unsafe kept = (base + window * 16).assumingMemoryBound(to: UnsafeRawPointer?.self)
    unsafe ends = (base + window * 24).assumingMemoryBound(to: Int.self)
    unsafe rows = (base + window * 32).assumingMemoryBound(to: Int32.self)
    unsafe lanes = (base + window * 36).assumingMemoryBound(to: Int32.self)
    unsafe units = (base + window * 40).assumingMemoryBound(to: UInt32.self)
    unsafe slots = (base + window * 44).assumingMemoryBound(to: UInt32.self)
    unsafe states = (base + window * 48).assumingMemoryBound(to: UInt32.self)
    unsafe checksums = (base + window * 52).assumingMemoryBound(to: UInt32.self)
    unsafe makings = (base + window * 56).assumingMemoryBound(to: RowMaking.self)
  }
}
