import LarderColumns
import LarderEncodings
import LarderFiles

/// Writes a segment's bytes front to back, 1 MiB at a time, and hashes its sections.
final class SegmentSink {
  let seeds: SegmentSeeds
  private let file: any File
  private let pending = ByteSink(capacity: 64 << 10)
  private var written: UInt64 = 0
  private static let flushBytes = 1 << 20

  init(_ file: any File, uuid: FileIdentifier) {
    self.file = file
    seeds = SegmentSeeds(uuid)
  }

  /// Where the next byte goes.
  var position: UInt64 { written + UInt64(pending.count) }

  /// Writes bytes that another hash covers.
  func append(_ bytes: UnsafeRawBufferPointer) throws(LarderError) {
    unsafe pending.append(bytes)
    if pending.count >= Self.flushBytes { try flush() }
  }

  /// Writes what is pending.
  func flush() throws(LarderError) {
    guard pending.count > 0 else { return }
    unsafe try file.write(pending.bytes, at: written)
    written += UInt64(pending.count)
    pending.removeAll()
  }

  /// Pads a sink to the alignment of sections and writes it as one section.
  func writeSection(
    _ kind: SectionKind, column: UInt64 = 0, _ content: ByteSink
  ) throws(LarderError) -> Section {
    content.align(to: SegmentLayout.alignment)
    let start = position
    let hash = unsafe XXH3.hash64(content.bytes, seed: seeds.seed(kind, column: column))
    unsafe try append(content.bytes)
    return Section(offset: start, bytes: UInt64(content.count), hash: hash)
  }
}
