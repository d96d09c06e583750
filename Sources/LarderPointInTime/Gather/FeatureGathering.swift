import LarderColumns
import LarderOffline

/// Gathers the features of one source, a chunk at a time; one worker's.
final class FeatureGathering {
  /// Matches that are gathered together.
  private static let batch = 64

  private let features: [FeatureGather]
  private var readers: [TextReader]
  private let arena = LaneArena()
  /// For each feature and segment, 1 if all pages are verified.
  private let verified: [Lanes<UInt8>]

  init(_ features: [FeatureGather]) {
    self.features = features
    readers = features.map { _ in TextReader() }
    verified = features.map { [arena] feature in
      arena.lanes(max(1, feature.batched?.sources.columns.count ?? 0))
    }
  }

  /// Gathers the matches of a chunk.
  ///
  /// - Parameters:
  ///   - matches: the rows; lanes count from the chunk's first row.
  ///   - chunk: the number of the chunk within its columns.
  ///   - place: the chunk's rows within its columns.
  ///   - columns: for each feature, its column.
  /// - Throws: `corrupt` if a page is damaged.
  func gather(
    _ matches: Matches, _ chunk: Int, _ place: Range<Int>, _ columns: [OutputColumn]
  ) throws(LarderError) {
    var parts: [(gather: FixedGather, target: GatherTarget)] = []
    for (ordinal, feature) in features.enumerated() {
      let (values, validity) = columns[ordinal].open(place)
      guard let fixed = feature.batched else { continue }
      fixed.sources.noteVerified(verified[ordinal])
      let target = GatherTarget(
        values: values, validity: validity, verified: verified[ordinal])
      parts.append((fixed, target))
    }
    if !parts.isEmpty { try gatherFixed(matches, parts) }
    for (ordinal, feature) in features.enumerated() {
      let column = columns[ordinal]
      switch feature {
      case .fixed, .codes: break
      case .texts(let texts):
        try gatherTexts(matches, texts, &readers[ordinal], chunk, place, column)
      case .lists(let lists):
        try gatherLists(matches, lists, &readers[ordinal], chunk, place, column)
      }
    }
  }

  /// Gathers all fixed-width features together: headers two batches ahead, values one batch ahead.
  private func gatherFixed(
    _ matches: Matches,
    _ parts: [(gather: FixedGather, target: GatherTarget)]
  ) throws(LarderError) {
    let lanes = matches.lanes
    let batches = (matches.count + FeatureGathering.batch - 1) / FeatureGathering.batch
    for step in 0..<(batches + 2) {
      if step < batches {
        let range = batchRange(step, matches)
        for part in parts { part.gather.prefetchHeaders(lanes, range) }
      }
      if step >= 1, step - 1 < batches {
        let range = batchRange(step - 1, matches)
        for part in parts { try part.gather.prefetchValues(lanes, range, part.target) }
      }
      if step >= 2 {
        let range = batchRange(step - 2, matches)
        for part in parts { part.gather.extract(lanes, range, part.target) }
      }
    }
  }

  private func batchRange(_ batch: Int, _ matches: Matches) -> Range<Int> {
    let start = batch * FeatureGathering.batch
    return start..<min(matches.count, start + FeatureGathering.batch)
  }

  private func gatherTexts(
    _ matches: Matches, _ columns: [SegmentColumn?], _ reader: inout TextReader, _ chunk: Int,
    _ place: Range<Int>,
    _ output: OutputColumn
  ) throws(LarderError) {
    let lengths = Lanes<Int32>(output.values, from: place.lowerBound)
    let valid = Lanes<UInt64>(output.validity, from: place.lowerBound / 64)
    var run = ByteRun()
    for match in 0..<matches.count {
      let segment = Int(matches.segment[match])
      guard let column = columns[segment] else { continue }
      let before = run.count
      let isValid = unsafe try reader.read(column, segment, Int(matches.row[match])) { bytes in
        unsafe run.append(bytes)
      }
      guard isValid else { continue }
      let lane = Int(matches.lane[match])
      lengths[lane] = Int32(truncatingIfNeeded: run.count - before)
      valid[lane >> 6] |= 1 << UInt64(lane & 63)
    }
    output.add(run, chunk: chunk)
  }

  private func gatherLists(
    _ matches: Matches, _ lists: ListGather, _ reader: inout TextReader, _ chunk: Int,
    _ place: Range<Int>,
    _ output: OutputColumn
  ) throws(LarderError) {
    let lengths = Lanes<Int32>(output.values, from: place.lowerBound)
    let valid = Lanes<UInt64>(output.validity, from: place.lowerBound / 64)
    var run = ElementRun()
    for match in 0..<matches.count {
      let count = try lists.append(
        Int(matches.segment[match]), Int(matches.row[match]), to: &run, &reader)
      guard let count else { continue }
      let lane = Int(matches.lane[match])
      lengths[lane] = Int32(truncatingIfNeeded: count)
      valid[lane >> 6] |= 1 << UInt64(lane & 63)
    }
    output.add(run, chunk: chunk)
  }
}
