import LarderColumns
import LarderEncodings
import LarderFiles

/// Takes a segment's bytes front to back and hashes its sections: into its file, in pieces of whole
/// huge pages, or into memory, for a column that is packed before it is its turn.
///
/// File systems keep what is written at once in pages as large as it is; readers then map whole huge
/// pages, and have one fault for 2 MiB in place of dozens.
///
/// Not for two threads at a time; one may hand it to another.
final class SegmentSink: @unchecked Sendable {
  let seeds: SegmentSeeds
  private let file: (any File)?
  private let pending: ByteSink
  private var written: UInt64 = 0
  private static let flushBytes = 2 << 20
  /// The disk is told to begin after so many bytes.
  private static let behindBytes = 8 << 20

  /// A sink that writes to a file.
  init(_ file: any File, uuid: FileIdentifier) {
    self.file = file
    seeds = SegmentSeeds(uuid)
    pending = ByteSink(capacity: 64 << 10)
  }

  /// A sink that keeps its bytes, for a part of a segment.
  init(seeds: SegmentSeeds, memory: ByteSink) {
    file = nil
    self.seeds = seeds
    pending = memory
    memory.removeAll()
  }

  /// The memory of a sink that keeps its bytes, to be used again.
  var memory: ByteSink { pending }

  /// Where the next byte goes.
  var position: UInt64 { written + UInt64(pending.count) }

  /// Writes bytes that another hash covers.
  func append(_ bytes: UnsafeRawBufferPointer) throws(LarderError) {
    guard file != nil, pending.count + bytes.count >= Self.flushBytes else {
      unsafe pending.append(bytes)
      return
    }
    // Writes begin and end at huge pages: what is pending is filled up to one, what is left waits.
    let filling = (Self.flushBytes - pending.count % Self.flushBytes) % Self.flushBytes
    var done = min(filling, bytes.count)
    unsafe pending.append(UnsafeRawBufferPointer(rebasing: bytes[..<done]))
    try flush()
    while bytes.count - done >= Self.flushBytes {
      let whole = (bytes.count - done) / Self.flushBytes * Self.flushBytes
      let count = min(Self.behindBytes, whole)
      unsafe try write(UnsafeRawBufferPointer(rebasing: bytes[done..<done + count]))
      done += count
    }
    unsafe pending.append(UnsafeRawBufferPointer(rebasing: bytes[done...]))
  }

  /// Writes what another sink has kept.
  ///
  /// - Returns: where its first byte went.
  func append(keptBy other: SegmentSink) throws(LarderError) -> UInt64 {
    let start = position
    unsafe try append(other.pending.bytes)
    return start
  }

  /// Writes what is pending.
  func flush() throws(LarderError) {
    guard file != nil, pending.count > 0 else { return }
    unsafe try write(pending.bytes)
    pending.removeAll()
  }

  private func write(_ bytes: UnsafeRawBufferPointer) throws(LarderError) {
    guard let file else { return }
    unsafe try file.write(bytes, at: written)
    let behind = UInt64(Self.behindBytes)
    let before = written / behind
    written += UInt64(bytes.count)
    let now = written / behind
    if now > before { file.beginWriting(before * behind..<now * behind) }
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
