import CLarderKernels
import LarderColumns
import LarderEncodings
import LarderOffline

/// Gathers the texts of one feature, a chunk at a time; one worker's.
final class TextGathering {
  private let extents: ExtentReader
  /// Whether some values are codes of strings.
  private let areCodes: Bool

  init(_ sources: ExtentSources) {
    extents = ExtentReader(sources)
    areCodes = sources.columns.contains { $0?.encoding == .symbols }
  }

  /// Gathers the matches of a chunk, 64 together: headers are fetched three batches ahead, offsets
  /// two, the bytes one.
  ///
  /// - Parameters:
  ///   - chunk: the number of the chunk within its column.
  ///   - place: the chunk's rows within its column.
  /// - Throws: `corrupt` if a page is damaged.
  func gather(
    _ matches: Matches, _ chunk: Int, _ place: Range<Int>, into output: OutputColumn
  ) throws(LarderError) {
    let lengths = Lanes<Int32>(output.values, from: place.lowerBound)
    let valid = Lanes<UInt64>(output.validity, from: place.lowerBound / 64)
    var run = ByteRun()
    extents.begin()
    let bases = unsafe extents.sources.bases.base
    let batches = ExtentReader.batches(matches.count)
    for step in 0..<batches + 3 {
      if step >= 3 {
        if areCodes {
          expand(matches, step - 3, to: &run, lengths, valid)
        } else {
          copy(matches, step - 3, to: &run, lengths, valid)
        }
      }
      if step >= 2, step - 2 < batches {
        try extents.find(matches, step - 2)
        unsafe larder_prefetch_extents(
          bases, extents.part(matches, step - 2), extents.found(step - 2))
      }
      if step >= 1, step - 1 < batches { try extents.locate(matches, step - 1) }
      if step < batches { extents.prefetch(matches, step) }
    }
    output.add(run, chunk: chunk)
  }

  /// Copies the values of a batch.
  private func copy(
    _ matches: Matches, _ batch: Int, to run: inout ByteRun, _ lengths: Lanes<Int32>,
    _ valid: Lanes<UInt64>
  ) {
    let part = unsafe extents.part(matches, batch)
    let found = unsafe extents.found(batch)
    var bytes = 0
    for index in unsafe 0..<part.count {
      unsafe bytes += Int(found[index].end - found[index].start)
    }
    let room = unsafe run.grow(by: bytes).assumingMemoryBound(to: UInt8.self)
    unsafe larder_copy_extents(
      extents.sources.bases.base, part, found, room, lengths.base, valid.base)
  }

  /// Writes what the values of a batch stand for, where some are codes of strings.
  private func expand(
    _ matches: Matches, _ batch: Int, to run: inout ByteRun, _ lengths: Lanes<Int32>,
    _ valid: Lanes<UInt64>
  ) {
    let found = unsafe extents.found(batch)
    for (index, match) in ExtentReader.range(batch, of: matches.count).enumerated() {
      let extent = unsafe found[index]
      guard extent.start >= 0 else { continue }
      let segment = Int(matches.segment[match])
      let before = run.count
      run.append(extent, of: extents.sources, segment)
      let lane = Int(matches.lane[match])
      lengths[lane] = Int32(truncatingIfNeeded: run.count - before)
      valid[lane >> 6] |= 1 << UInt64(lane & 63)
    }
  }
}
