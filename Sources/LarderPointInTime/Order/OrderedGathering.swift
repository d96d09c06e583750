import CLarderKernels
import LarderColumns
import LarderOffline

/// Gathers the features of one source from rows in the order of history; one worker's.
final class OrderedGathering {
  private let features: [FixedGather]
  private let arena = LaneArena()
  /// For each feature and segment, 1 if all pages are verified.
  private let verified: [Lanes<UInt8>]
  /// For each feature, whether all pages of all segments are verified.
  private var isVerified: [Bool]
  /// What a kernel left unread.
  private let unread: Lanes<UInt32>

  /// - Parameter features: all of them of fixed width, or codes.
  init(_ features: [FeatureGather]) {
    let features = features.compactMap(\.batched)
    self.features = features
    verified = features.map { [arena] in arena.lanes(max(1, $0.sources.columns.count)) }
    isVerified = features.map { _ in false }
    unread = arena.lanes(SearchScratch.chunkRows)
  }

  /// Gathers one feature for a chunk's answers.
  ///
  /// - Parameters:
  ///   - ordinal: the feature's.
  ///   - matches: the answers, by segment.
  ///   - range: the chunk's.
  ///   - output: where the values go.
  /// - Throws: `corrupt` if a page is damaged.
  func gather(
    _ ordinal: Int, _ matches: MatchLanes, _ range: Range<Int>, _ output: OrderedOutput.Feature
  ) throws(LarderError) {
    let feature = features[ordinal]
    if !isVerified[ordinal] {
      let flags = verified[ordinal]
      feature.sources.noteVerified(flags)
      try feature.verify(matches, range, flags)
      isVerified[ordinal] = (0..<flags.count).allSatisfy { flags[$0] == 1 }
    }
    var start = range.lowerBound
    while start < range.upperBound {
      let segment = matches.segment[start]
      let end = matches.end(of: segment, in: start..<range.upperBound)
      gather(feature, Int(segment), matches, start..<end, output)
      start = end
    }
  }

  private func gather(
    _ feature: FixedGather, _ segment: Int, _ matches: MatchLanes, _ range: Range<Int>,
    _ output: OrderedOutput.Feature
  ) {
    guard let form = feature.sources.form else {
      for match in range {
        read(Int(matches.row[match]), feature, segment, Int(matches.lane[match]), output)
      }
      return
    }
    let picks = unsafe larder_picks(
      rows: matches.row.base + range.lowerBound, places: matches.lane.base + range.lowerBound,
      count: range.count)
    let left = unsafe larder_gather_ordered(
      feature.sources.kernelColumns + segment, picks, form, output.values.base,
      output.valid?.base, unread.base)
    for index in 0..<left {
      let match = range.lowerBound &+ Int(unread[index])
      read(Int(matches.row[match]), feature, segment, Int(matches.lane[match]), output)
    }
  }

  /// Reads one value, of whatever kind it is.
  private func read(
    _ row: Int, _ feature: FixedGather, _ segment: Int, _ place: Int,
    _ output: OrderedOutput.Feature
  ) {
    let source = unsafe feature.sources.table + segment
    let slot = unsafe source.pointee.slot(row)
    guard slot >= 0 else { return }
    if let valid = output.valid { valid[place] = 1 }
    let bits = unsafe source.pointee.bits(slot)
    switch feature.width {
    case 8: output.values.bound(to: UInt64.self)[place] = bits
    case 4:
      let code =
        feature.isCoded
        ? unsafe source.pointee.codes[Int(truncatingIfNeeded: bits)]
        : UInt32(truncatingIfNeeded: bits)
      output.values.bound(to: UInt32.self)[place] = code
    default: output.values[place] = UInt8(truncatingIfNeeded: bits & 1)
    }
  }
}
