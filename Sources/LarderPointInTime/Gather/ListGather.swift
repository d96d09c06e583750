import CLarderKernels
import LarderColumns
import LarderEncodings
import LarderOffline

/// Gathers the lists of one feature.
struct ListGather {
  /// Where the lists begin and end.
  let extents: ExtentSources
  /// How the elements of each segment are read; for texts, their offsets or codes.
  let elements: GatherSources
  /// Where the elements lie, if they are texts.
  let texts: ExtentSources?
  /// The elements' type.
  let element: DataType

  init(_ columns: [SegmentColumn?], of element: DataType) throws(LarderError) {
    self.element = element
    extents = ExtentSources(columns)
    let children = columns.map { $0?.elements }
    if element.layout == .variable {
      let texts = ExtentSources(children)
      self.texts = texts
      elements = texts.lanes
    } else {
      texts = nil
      elements = try GatherSources(children, as: element)
    }
  }
}

/// Gathers the lists of one feature, a chunk at a time; one worker's.
@safe final class ListGathering {
  private let gather: ListGather
  private let extents: ExtentReader
  /// By segment, 1 where each lane of the elements has a value.
  private let isDense: Lanes<UInt8>
  /// The first elements of the lists in a batch, as matches of the elements' columns.
  private let firstSegments: Lanes<UInt32>
  private let firstRows: Lanes<UInt32>
  private var firstCount = 0
  private let places: Lanes<larder_place>
  private let arena = LaneArena()
  private var scratch = Buffer(uninitializedBytes: 1_024)

  init(_ gather: ListGather) {
    self.gather = gather
    extents = ExtentReader(gather.extents)
    isDense = arena.lanes(max(1, gather.extents.columns.count))
    for (ordinal, column) in gather.extents.columns.enumerated() {
      isDense[ordinal] = column?.elements?.validity.mode == ValidityMode.none ? 1 : 0
    }
    firstSegments = arena.lanes(ExtentReader.batch)
    firstRows = arena.lanes(ExtentReader.batch)
    unsafe places = arena.lanes(ExtentReader.batch)
  }

  /// Gathers the matches of a chunk: headers of offsets are fetched four batches ahead, offsets
  /// three, headers of elements two, the elements one.
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
    var run = ElementRun(of: gather.element)
    extents.begin()
    let batches = ExtentReader.batches(matches.count)
    for step in 0..<batches + 4 {
      if step >= 4 { try take(matches, step - 4, to: &run, lengths, valid) }
      if step >= 3, step - 3 < batches {
        unsafe larder_locate_values(gather.elements.kernelColumns, firsts, places.base)
      }
      if step >= 2, step - 2 < batches {
        try extents.find(matches, step - 2)
        collectFirsts(matches, step - 2)
        unsafe larder_prefetch_headers(gather.elements.kernelColumns, firsts)
      }
      if step >= 1, step - 1 < batches { try extents.locate(matches, step - 1) }
      if step < batches { extents.prefetch(matches, step) }
    }
    output.add(run, chunk: chunk)
  }

  private var firsts: larder_matches {
    unsafe larder_matches(
      lanes: firstRows.base, segments: firstSegments.base, rows: firstRows.base, count: firstCount)
  }

  /// Lists the first elements of a batch's lists; empty lists have none.
  private func collectFirsts(_ matches: Matches, _ batch: Int) {
    let found = unsafe extents.found(batch)
    firstCount = 0
    for (index, match) in ExtentReader.range(batch, of: matches.count).enumerated() {
      let extent = unsafe found[index]
      guard extent.end > extent.start else { continue }
      firstSegments[firstCount] = matches.segment[match]
      firstRows[firstCount] = UInt32(truncatingIfNeeded: extent.start)
      firstCount += 1
    }
  }

  private func take(
    _ matches: Matches, _ batch: Int, to run: inout ElementRun, _ lengths: Lanes<Int32>,
    _ valid: Lanes<UInt64>
  ) throws(LarderError) {
    let found = unsafe extents.found(batch)
    for (index, match) in ExtentReader.range(batch, of: matches.count).enumerated() {
      let extent = unsafe found[index]
      guard extent.start >= 0 else { continue }
      let segment = Int(matches.segment[match])
      let lane = Int(matches.lane[match])
      valid[lane >> 6] |= 1 << UInt64(lane & 63)
      guard let values = gather.extents.columns[segment]?.elements, extent.end > extent.start
      else { continue }
      lengths[lane] = Int32(truncatingIfNeeded: extent.end - extent.start)
      let range = Int(extent.start)..<Int(extent.end)
      if let texts = gather.texts {
        try takeTexts(range, of: values, texts, segment, to: &run)
      } else {
        takeFixed(range, of: values, segment, to: &run)
      }
    }
  }

  /// Appends elements of fixed width; the kernel reads what it can.
  private func takeFixed(
    _ range: Range<Int>, of values: SegmentColumn, _ segment: Int, to run: inout ElementRun
  ) {
    let before = run.count
    let width = run.width
    let room = unsafe run.grow(by: range.count)
    let source = unsafe gather.elements.table + segment
    let kernelForm = isDense[segment] == 1 ? gather.elements.form : nil
    var done = 0
    while done < range.count {
      let target = unsafe room + done * width
      if let kernelForm {
        let first = UInt32(truncatingIfNeeded: range.lowerBound + done)
        done += unsafe larder_extract_run(
          gather.elements.kernelColumns + segment, first, range.count - done, kernelForm, target)
        if done == range.count { return }
      }
      let place = unsafe room + done * width
      let slot = unsafe source.pointee.slot(range.lowerBound + done)
      if slot < 0 { run.noteNull(before + done) }
      let bits = slot < 0 ? 0 : unsafe source.pointee.bits(slot)
      switch width {
      case 8: unsafe place.storeBytes(of: bits, as: UInt64.self)
      case 4: unsafe place.storeBytes(of: UInt32(truncatingIfNeeded: bits), as: UInt32.self)
      default: unsafe place.storeBytes(of: UInt8(truncatingIfNeeded: bits & 1), as: UInt8.self)
      }
      done += 1
    }
  }

  /// Appends texts; those without nulls among them that lie one behind the other at once.
  private func takeTexts(
    _ range: Range<Int>, of values: SegmentColumn, _ texts: ExtentSources, _ segment: Int,
    to run: inout ElementRun
  ) throws(LarderError) {
    let before = run.count
    let lengths = unsafe run.grow(by: range.count).assumingMemoryBound(to: Int32.self)
    if isDense[segment] == 1, unsafe takePlain(range, of: values, segment, lengths, &run.bytes) {
      return
    }
    for (index, element) in range.enumerated() {
      let extent = try texts.extent(segment, element)
      let start = run.bytes.count
      if extent.start < 0 {
        run.noteNull(before + index)
      } else {
        run.bytes.append(extent, of: texts, segment)
      }
      unsafe lengths[index] = Int32(truncatingIfNeeded: run.bytes.count - start)
    }
  }

  /// Copies texts that lie one behind the other.
  ///
  /// - Returns: false if they do not, or the kernel cannot read their offsets.
  private func takePlain(
    _ range: Range<Int>, of values: SegmentColumn, _ segment: Int,
    _ lengths: UnsafeMutablePointer<Int32>, _ target: inout ByteRun
  ) -> Bool {
    guard values.encoding == .plain, let bytes = unsafe values.plainBytes else { return false }
    let count = range.count + 1
    if scratch.count < count * 8 { scratch = Buffer(uninitializedBytes: count * 16) }
    let offsets = unsafe scratch.base.assumingMemoryBound(to: Int64.self)
    let first = UInt32(truncatingIfNeeded: range.lowerBound)
    guard
      unsafe larder_extract_run(
        gather.elements.kernelColumns + segment, first, count, LARDER_LANES, offsets) == count
    else { return false }
    for index in 0..<range.count {
      unsafe lengths[index] = Int32(truncatingIfNeeded: offsets[index + 1] - offsets[index])
    }
    let start = unsafe Int(offsets[0])
    let end = unsafe Int(offsets[range.count])
    unsafe target.append(UnsafeRawBufferPointer(start: bytes + start, count: end - start))
    return true
  }
}
