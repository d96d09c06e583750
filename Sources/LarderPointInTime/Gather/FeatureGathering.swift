import CLarderKernels
import LarderColumns
import LarderOffline

/// Gathers the features of one source, a chunk at a time; one worker's.
final class FeatureGathering {
  /// Matches that are gathered together.
  private static let batch = 64

  private let features: [FeatureGather]
  /// Those of texts and of lists, by feature.
  private let texts: [Int: TextGathering]
  private let lists: [Int: ListGathering]
  private let arena = LaneArena()
  /// For each feature and segment, 1 if all pages are verified.
  private let verified: [Lanes<UInt8>]
  /// The features that the kernels read, and those that are read here.
  private let kernelFeatures: [Int]
  private let otherFeatures: [Int]
  /// For each feature that the kernels read, what they take.
  private let parts: Lanes<KernelPart>
  /// The matches of a batch that a kernel left unread.
  private let unread: Lanes<UInt16>
  /// Whether all pages of the features that the kernels read are verified.
  private var isVerified = false

  init(_ features: [FeatureGather]) {
    self.features = features
    var texts: [Int: TextGathering] = [:]
    var lists: [Int: ListGathering] = [:]
    for (ordinal, feature) in features.enumerated() {
      switch feature {
      case .fixed, .codes: break
      case .texts(let gather): texts[ordinal] = TextGathering(gather)
      case .lists(let gather): lists[ordinal] = ListGathering(gather)
      }
    }
    self.texts = texts
    self.lists = lists
    verified = features.map { [arena] feature in
      arena.lanes(max(1, feature.batched?.sources.columns.count ?? 0))
    }
    kernelFeatures = features.indices.filter { features[$0].batched?.sources.form != nil }
    otherFeatures = features.indices.filter {
      features[$0].batched != nil && features[$0].batched?.sources.form == nil
    }
    unread = arena.lanes(FeatureGathering.batch)
    parts = arena.lanes(max(1, kernelFeatures.count))
    let nothing: Lanes<UInt64> = arena.lanes(1)
    for (part, ordinal) in kernelFeatures.enumerated() {
      guard let sources = features[ordinal].batched?.sources, let form = sources.form else {
        continue
      }
      let places: Lanes<larder_place> = unsafe arena.lanes(FeatureGathering.batch)
      parts[part] = unsafe KernelPart(
        columns: sources.kernelColumns, form: form, places: places.base,
        values: UnsafeMutableRawPointer(nothing.base), validity: nothing.base)
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
    var targets: [GatherTarget] = []
    for (ordinal, column) in columns.enumerated() {
      let (values, validity) = column.open(place)
      features[ordinal].batched?.sources.noteVerified(verified[ordinal])
      targets.append(
        GatherTarget(values: values, validity: validity, verified: verified[ordinal]))
    }
    if !kernelFeatures.isEmpty { try gatherByKernel(matches, targets) }
    if !otherFeatures.isEmpty { try gatherOthers(matches, targets) }
    for (ordinal, column) in columns.enumerated() {
      try texts[ordinal]?.gather(matches, chunk, place, into: column)
      try lists[ordinal]?.gather(matches, chunk, place, into: column)
    }
  }

  /// Gathers the features that the kernels read, all columns of 64 matches together: headers are
  /// fetched two batches ahead, values one batch ahead.
  private func gatherByKernel(
    _ matches: Matches, _ targets: [GatherTarget]
  ) throws(LarderError) {
    let lanes = matches.lanes
    let count = kernelFeatures.count
    for part in 0..<count {
      let target = targets[kernelFeatures[part]]
      unsafe parts.base[part].values = UnsafeMutableRawPointer(target.values.base)
      unsafe parts.base[part].validity = target.validity.base
    }
    if !isVerified { isVerified = kernelFeatures.allSatisfy { isVerified($0) } }
    let batches = (matches.count + FeatureGathering.batch - 1) / FeatureGathering.batch
    for step in 0..<(batches + 2) {
      if step < batches {
        let part = unsafe lanes.part(batchRange(step, matches))
        for index in 0..<count { unsafe larder_prefetch_headers(parts[index].columns, part) }
      }
      if step >= 2 {
        let range = batchRange(step - 2, matches)
        for index in 0..<count { extract(index, lanes, range, targets) }
      }
      if step >= 1, step - 1 < batches {
        let range = batchRange(step - 1, matches)
        if !isVerified { try verify(lanes, range) }
        let part = unsafe lanes.part(range)
        for index in 0..<count {
          unsafe larder_locate_values(parts[index].columns, part, parts[index].places)
        }
      }
    }
  }

  private func isVerified(_ ordinal: Int) -> Bool {
    let flags = verified[ordinal]
    return (0..<flags.count).allSatisfy { flags[$0] == 1 }
  }

  private func verify(_ matches: MatchLanes, _ range: Range<Int>) throws(LarderError) {
    for ordinal in kernelFeatures {
      try features[ordinal].batched?.verify(matches, range, verified[ordinal])
    }
  }

  /// Writes the values of a batch; what the kernel does not read is read here.
  private func extract(
    _ index: Int, _ matches: MatchLanes, _ range: Range<Int>, _ targets: [GatherTarget]
  ) {
    let part = parts[index]
    let missing = unsafe larder_extract_values(
      part.columns, matches.part(range), part.places, part.form, part.values, part.validity,
      unread.base)
    if missing == 0 { return }
    let ordinal = kernelFeatures[index]
    for position in 0..<missing {
      let match = range.lowerBound &+ Int(unread[position])
      features[ordinal].batched?.extract(matches, match..<match + 1, targets[ordinal])
    }
  }

  /// Gathers fixed-width features that are converted on the way.
  private func gatherOthers(
    _ matches: Matches, _ targets: [GatherTarget]
  ) throws(LarderError) {
    let lanes = matches.lanes
    let batches = (matches.count + FeatureGathering.batch - 1) / FeatureGathering.batch
    for step in 0..<(batches + 2) {
      for ordinal in otherFeatures {
        guard let gather = features[ordinal].batched else { continue }
        if step < batches { gather.prefetchHeaders(lanes, batchRange(step, matches)) }
        if step >= 1, step - 1 < batches {
          try gather.prefetchValues(lanes, batchRange(step - 1, matches), targets[ordinal])
        }
        if step >= 2 { gather.extract(lanes, batchRange(step - 2, matches), targets[ordinal]) }
      }
    }
  }

  private func batchRange(_ batch: Int, _ matches: Matches) -> Range<Int> {
    let start = batch * FeatureGathering.batch
    return start..<min(matches.count, start + FeatureGathering.batch)
  }
}

/// What the kernels take of one feature.
@safe private struct KernelPart: BitwiseCopyable {
  var columns: UnsafePointer<larder_column>
  var form: larder_form
  /// Where the values of a batch lie.
  var places: UnsafeMutablePointer<larder_place>
  /// The chunk's part of the result.
  var values: UnsafeMutableRawPointer
  var validity: UnsafeMutablePointer<UInt64>
}
