import LarderColumns
import LarderEncodings
import LarderFiles

/// The mapped bytes of a segment and the means to verify them; keeps the map alive.
struct SegmentSource: Sendable {
  let map: MappedFile
  let seeds: SegmentSeeds
  var path: String { map.path }

  init(_ segment: Segment) {
    map = segment.map
    seeds = segment.seeds
  }

  /// Where a section starts; its bounds were checked when the segment was opened.
  func address(_ section: Section) -> UnsafeRawPointer {
    guard let base = unsafe map.bytes.baseAddress else { return unsafe map.emptyAddress }
    return unsafe base + Int(section.offset)
  }

  /// The bytes of a part of a section.
  func bytes(_ section: Section, _ range: Range<Int>) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(
      start: address(section) + range.lowerBound, count: range.count)
  }

  /// Compares a section's bytes with its hash.
  ///
  /// - Throws: `corrupt` if they differ.
  func verify(
    _ section: Section, _ kind: SectionKind, column: UInt64, what: String, name: String? = nil
  ) throws(LarderError) {
    let bytes = unsafe self.bytes(section, 0..<Int(section.bytes))
    let seed = seeds.seed(kind, column: column)
    guard unsafe XXH3.hash64(bytes, seed: seed) == section.hash else {
      throw LarderError(
        .corrupt, "The \(what) do not match their checksum.", file: path, offset: section.offset,
        column: name)
    }
  }
}

extension MappedFile {
  /// An address for sections of nothing.
  var emptyAddress: UnsafeRawPointer { unsafe UnsafeRawPointer(emptyWord) }
}

private nonisolated(unsafe) let emptyWord: UnsafeMutablePointer<UInt64> = {
  let words = UnsafeMutablePointer<UInt64>.allocate(capacity: 16)
  unsafe words.initialize(repeating: 0, count: 16)
  return unsafe words
}()
