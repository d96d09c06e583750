import CLarderKernels

/// What may be done with a column's lanes.
package struct LaneOptions: Sendable {
  /// Whether deltas may be used: not for codes, offsets and event times, which are read singly.
  package var allowsDelta: Bool
  /// How much of a vector's bytes a delta must save over the best codec with direct access, in
  /// hundredths.
  package var deltaSaving: Int

  package init(allowsDelta: Bool, deltaSaving: Int = 15) {
    self.allowsDelta = allowsDelta
    self.deltaSaving = deltaSaving
  }
}

/// One vector to be encoded.
@unsafe package struct VectorInput {
  /// 1 to 1,024 lanes; those of exceptions are of no matter and should cost nothing.
  package var lanes: UnsafePointer<Int64>
  package var count: Int
  /// `decimal`, `single` or nothing.
  package var flags: VectorKind
  /// Of decimals.
  package var exponent: Int
  /// The values' own bits, kept as patches of decimals; nil for others.
  package var bits: UnsafePointer<Int64>?
  /// Sorted positions whose value is not its lane's decimal.
  package var exceptions: UnsafeBufferPointer<UInt16>
  /// Bits, 1 = the row starts an entity's run; nil if that is not known.
  package var restarts: UnsafePointer<UInt64>?

  package init(
    lanes: UnsafePointer<Int64>, count: Int, flags: VectorKind = [], exponent: Int = 0,
    bits: UnsafePointer<Int64>? = nil,
    exceptions: UnsafeBufferPointer<UInt16> = unsafe UnsafeBufferPointer(start: nil, count: 0),
    restarts: UnsafePointer<UInt64>? = nil
  ) {
    unsafe self.lanes = lanes
    unsafe self.count = count
    unsafe self.flags = flags
    unsafe self.exponent = exponent
    unsafe self.bits = bits
    unsafe self.exceptions = exceptions
    unsafe self.restarts = restarts
  }

  /// Whether the row of an index starts a run.
  @inlinable func isRestart(_ index: Int) -> Bool {
    guard let restarts = unsafe restarts else { return false }
    return unsafe restarts[index >> 6] >> UInt64(index & 63) & 1 == 1
  }
}

/// The codec of one vector and its size, chosen from exact counts.
///
/// Every candidate's bytes are counted, not guessed from a sample: the counts cost less than the
/// packing. What needs more than a header and a line or two to read must save for it.
package struct VectorPlan {
  package var kind: VectorKind
  package var base: Int64
  package var width: Int
  package var bytes: Int
  /// Of deltas.
  package var leastDelta: Int64 = 0
  package var anchorWidth = 0

  /// Chooses the codec of a vector.
  @unsafe package static func choose(_ input: VectorInput, _ options: LaneOptions) -> VectorPlan {
    let survey = unsafe FrameSurvey(input)
    var best = unsafe frameOfReference(input, survey)
    if best.bytes == 0 { return best }
    if let framed = unsafe frames(input, survey), framed.bytes * 100 < best.bytes * 97 {
      best = framed
    }
    if let patched = unsafe patched(input, survey), patched.bytes * 100 < best.bytes * 96 {
      best = patched
    }
    if unsafe input.exceptions.isEmpty {
      if let runs = unsafe runs(input, survey), runs.bytes * 100 < best.bytes * 85 { best = runs }
      if options.allowsDelta, best.bytes > 64, let delta = unsafe delta(input, survey),
        delta.bytes * 100 < best.bytes * (100 - options.deltaSaving)
      {
        best = delta
      }
    }
    return best
  }

  /// The width for numbers up to a greatest one, all ones kept free where patches need it.
  private static func width(upTo greatest: UInt64, reserving: Bool) -> Int? {
    if !reserving { return Packing.width(of: greatest) }
    guard greatest < .max else { return nil }
    let width = Packing.width(of: greatest + 1)
    return width == 64 ? nil : width
  }

  @unsafe private static func frameOfReference(
    _ input: VectorInput, _ survey: FrameSurvey
  ) -> VectorPlan {
    let range = UInt64(bitPattern: survey.greatest &- survey.least)
    let exceptions = unsafe input.exceptions.count
    let patching: VectorKind = exceptions == 0 ? [] : .patched
    let kind = unsafe input.flags.union(patching)
    guard let width = width(upTo: range, reserving: exceptions > 0) else {
      // Impossible as planned: so dear that the caller keeps the values' bits instead.
      return VectorPlan(kind: kind, base: 0, width: 64, bytes: .max / 1_000)
    }
    let bytes = unsafe Packing.bytes(input.count, width) + patchBytes(exceptions, kind)
    return VectorPlan(kind: kind, base: width == 64 ? 0 : survey.least, width: width, bytes: bytes)
  }

  private static func patchBytes(_ count: Int, _ kind: VectorKind) -> Int {
    count == 0 ? 0 : Patches.bytes(count, kind)
  }

  @unsafe private static func frames(_ input: VectorInput, _ survey: FrameSurvey) -> VectorPlan? {
    let exceptions = unsafe input.exceptions.count
    guard unsafe input.count > 64,
      let width = width(upTo: survey.widestFrame, reserving: exceptions > 0), width < 57
    else { return nil }
    let span = UInt64(bitPattern: survey.greatestFrameBase &- survey.least)
    let log2Bytes: UInt8 = span < 1 << 8 ? 0 : span < 1 << 16 ? 1 : span < 1 << 32 ? 2 : 3
    var kind = unsafe VectorKind.frames.union(input.flags)
      .union(VectorKind(rawValue: log2Bytes << 4))
    if exceptions > 0 { kind.insert(.patched) }
    let bytes =
      unsafe Frames.bytes(input.count, width, 1 << Int(log2Bytes)) + patchBytes(exceptions, kind)
    return VectorPlan(kind: kind, base: survey.least, width: width, bytes: bytes)
  }

  /// Frame of reference with the greatest lanes kept aside.
  @unsafe private static func patched(_ input: VectorInput, _ survey: FrameSurvey) -> VectorPlan? {
    let range = UInt64(bitPattern: survey.greatest &- survey.least)
    let full = Packing.width(of: range)
    guard full > 2 else { return nil }
    let widths = unsafe survey.widths(input)
    var kind = unsafe input.flags.union(.patched)
    // Decimals keep their own bits; integers a difference, where it fits.
    if unsafe input.bits == nil, range <= UInt64(UInt32.max) { kind.insert(.narrowPatches) }
    var above = unsafe input.exceptions.count
    var best: VectorPlan?
    var width = min(full, 57)
    for wider in stride(from: 64, to: width, by: -1) { above += Int(widths[wider]) }
    while width > 0 {
      // `above` lanes have more than `width` bits. All ones is taken too: at most one in 2^width of
      // the others, which the exact count at packing finds.
      let bytes = unsafe Packing.bytes(input.count, width) + patchBytes(above, kind)
      if bytes < best?.bytes ?? .max {
        best = VectorPlan(kind: kind, base: survey.least, width: width, bytes: bytes)
      }
      above += Int(widths[width])
      width -= 1
      if unsafe above > input.count / 4 { break }
    }
    return best
  }

  @unsafe private static func runs(_ input: VectorInput, _ survey: FrameSurvey) -> VectorPlan? {
    let runs = unsafe larder_count_changes(input.lanes, input.count) + 1
    guard unsafe runs * 4 <= input.count else { return nil }
    let width = Packing.width(of: UInt64(bitPattern: survey.greatest &- survey.least))
    return unsafe VectorPlan(
      kind: VectorKind.runs.union(input.flags), base: width == 64 ? 0 : survey.least, width: width,
      bytes: RunLength.bytes(runs, width))
  }

  /// Differences from the lane before; restarts and the greatest differences are kept aside.
  @unsafe private static func delta(_ input: VectorInput, _ survey: FrameSurvey) -> VectorPlan? {
    let range = UInt64(bitPattern: survey.greatest &- survey.least)
    // Within such a range no difference overflows.
    guard range <= UInt64(Int64.max), let found = unsafe DifferenceSurvey(input) else { return nil }
    let count = unsafe input.count
    let anchorWidth = Packing.width(of: UInt64(bitPattern: found.greatestAnchor &- survey.least))
    guard anchorWidth < 64 else { return nil }
    var plan = unsafe VectorPlan(
      kind: VectorKind.delta.union(input.flags), base: survey.least, width: 64, bytes: .max,
      leastDelta: found.least, anchorWidth: anchorWidth)
    var patching: VectorKind = .patched
    if range <= UInt64(UInt32.max) { patching.insert(.narrowPatches) }
    let full = width(
      upTo: UInt64(bitPattern: found.greatest &- found.least), reserving: found.restarts > 0)
    if let full, full < 57 {
      plan.width = full
      if found.restarts > 0 { plan.kind.formUnion(patching) }
      plan.bytes =
        AnchoredDelta.bytes(count, full, anchorWidth: anchorWidth)
        + patchBytes(found.restarts, plan.kind)
    }
    var above = found.restarts
    for width in stride(from: 64, to: 0, by: -1) {
      if width < 57 {
        let bytes =
          AnchoredDelta.bytes(count, width, anchorWidth: anchorWidth) + patchBytes(above, patching)
        if bytes < plan.bytes {
          plan.bytes = bytes
          plan.width = width
          plan.kind.formUnion(patching)
        }
      }
      above += Int(found.widths[width])
      if above > count / 4 { break }
    }
    return plan.width == 64 ? nil : plan
  }
}

/// The differences of a vector's lanes from the ones before, but of anchors and restarts.
private struct DifferenceSurvey {
  var least: Int64 = 0
  var greatest: Int64 = 0
  /// How many rows start an entity's run and are no anchors.
  var restarts = 0
  var greatestAnchor = Int64.min
  /// How many differences less the least have each number of bits.
  var widths = [UInt32](repeating: 0, count: 65)

  /// Surveys lanes of which no difference overflows; nil if only anchors and restarts are there.
  @unsafe init?(_ input: VectorInput) {
    let isEmpty = unsafe withUnsafeTemporaryAllocation(of: Int64.self, capacity: 1_056) { scratch in
      guard let differences = scratch.baseAddress else { return true }
      let count = unsafe input.count
      unsafe differences[0] = 0
      for index in 1..<max(1, count) {
        unsafe differences[index] = input.lanes[index] &- input.lanes[index - 1]
      }
      // What does not count takes a value that does, so that all can be surveyed as they lie.
      let first = (1..<count).first { unsafe $0 & 63 != 0 && !input.isRestart($0) }
      guard let first else { return true }
      restarts = unsafe Self.fill(differences, input, with: differences[first])
      let lows = unsafe differences + 1_024
      let highs = unsafe lows + 16
      unsafe larder_survey_frames(differences, count, lows, highs)
      unsafe least = lows[0]
      unsafe greatest = highs[0]
      for frame in 0..<((count + 63) >> 6) {
        unsafe least = min(least, lows[frame])
        unsafe greatest = max(greatest, highs[frame])
        unsafe greatestAnchor = max(greatestAnchor, input.lanes[frame << 6])
      }
      // The least has no bits, and what has none is never kept aside.
      _ = unsafe Self.fill(differences, input, with: least)
      unsafe widths.withUnsafeMutableBufferPointer { widths in
        unsafe larder_survey_widths(differences, count, least, widths.baseAddress)
      }
      return false
    }
    if isEmpty { return nil }
  }

  /// Overwrites the differences of anchors and restarts, and counts the restarts.
  @unsafe private static func fill(
    _ differences: UnsafeMutablePointer<Int64>, _ input: VectorInput, with value: Int64
  ) -> Int {
    let count = unsafe input.count
    var restarts = 0
    for frame in 0..<((count + 63) >> 6) {
      unsafe differences[frame << 6] = value
      guard let words = unsafe input.restarts else { continue }
      var bits = unsafe words[frame] & ~1
      let inside = count - frame << 6
      if inside < 64 { bits &= 1 &<< UInt64(inside) &- 1 }
      restarts += bits.nonzeroBitCount
      while bits != 0 {
        unsafe differences[frame << 6 + bits.trailingZeroBitCount] = value
        bits &= bits &- 1
      }
    }
    return restarts
  }
}

/// The least and greatest lane of a vector's frames.
struct FrameSurvey {
  let least: Int64
  let greatest: Int64
  /// The greatest of the frames' least lanes.
  let greatestFrameBase: Int64
  /// The greatest difference within a frame.
  let widestFrame: UInt64

  @unsafe init(_ input: VectorInput) {
    unsafe (least, greatest, greatestFrameBase, widestFrame) = withUnsafeTemporaryAllocation(
      of: Int64.self, capacity: 32
    ) { scratch in
      guard let lows = scratch.baseAddress else { return (0, 0, 0, 0) }
      let highs = unsafe lows + 16
      unsafe larder_survey_frames(input.lanes, input.count, lows, highs)
      var least = unsafe lows[0]
      var greatest = unsafe highs[0]
      var greatestBase = least
      var widest: UInt64 = 0
      for frame in unsafe 0..<((input.count + 63) >> 6) {
        let low = unsafe lows[frame]
        let high = unsafe highs[frame]
        least = min(least, low)
        greatest = max(greatest, high)
        greatestBase = max(greatestBase, low)
        widest = max(widest, UInt64(bitPattern: high &- low))
      }
      return (least, greatest, greatestBase, widest)
    }
  }

  /// How many lanes less the least have each number of bits.
  @unsafe func widths(_ input: VectorInput) -> [UInt32] {
    var widths = [UInt32](repeating: 0, count: 65)
    unsafe widths.withUnsafeMutableBufferPointer { widths in
      unsafe larder_survey_widths(input.lanes, input.count, least, widths.baseAddress)
    }
    return widths
  }
}
