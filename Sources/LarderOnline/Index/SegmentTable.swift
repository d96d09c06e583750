import CLarderKernels
import LarderColumns

/// The segments that a reader or the writer has mapped, by number; immutable.
@safe final class SegmentTable: @unchecked Sendable {
  /// What a lookup needs of a segment.
  typealias Reference = larder_online_segment

  let segments: [LogSegment]
  let references: UnsafeMutablePointer<Reference>
  let count: Int

  init(_ segments: [LogSegment]) {
    self.segments = segments
    count = (segments.map(\.number).max() ?? -1) + 1
    unsafe references = .allocate(capacity: max(1, count))
    unsafe references.initialize(
      repeating: Reference(sequence: 0, base: nil, units: 0, seed: 0), count: max(1, count))
    for segment in segments {
      unsafe references[segment.number] = Reference(
        sequence: segment.sequence, base: segment.base, units: UInt32(segment.units),
        seed: segment.seed)
    }
  }

  deinit { unsafe references.deallocate() }

  /// Whether somebody cut one of the files short and zeros were read in place of rows.
  var isTruncated: Bool { segments.contains { $0.isTruncated } }

  /// The segment of a number; nil if it is not mapped.
  func segment(number: Int) -> LogSegment? { segments.first { $0.number == number } }

  /// The sequence number of the segment mapped under a number; nil for none.
  func sequence(ofNumber number: Int) -> UInt64? {
    number < count ? unsafe references[number].sequence : nil
  }

  /// The record at a slot that was found in these segments and checked before.
  @inline(__always) func record(_ slot: Slot) -> Record {
    precondition(slot.number < count)
    let reference = unsafe references[slot.number]
    guard let base = unsafe reference.base, unsafe slot.unit < Int(reference.units) else {
      preconditionFailure("no such segment")
    }
    return unsafe Record(base: base + slot.unit &* LogFormat.unit)
  }

  /// The row at a slot that this table's own index names, checked like any other.
  @inline(__always) func row(_ slot: Slot) -> Record? {
    guard slot.number < count else { return nil }
    let reference = unsafe references[slot.number]
    guard let base = unsafe reference.base else { return nil }
    let unit = slot.unit
    guard unit >= LogFormat.headerUnits, unsafe unit < Int(reference.units) else { return nil }
    let record = unsafe Record(base: base + unit &* LogFormat.unit)
    let units = record.units
    guard units >= 1, unsafe units <= Int(reference.units) &- unit, record.kind == RecordKind.row,
      unsafe record.computedChecksum(seed: reference.seed, slot: slot) == record.checksum,
      record.isBounded
    else { return nil }
    return record
  }
}
