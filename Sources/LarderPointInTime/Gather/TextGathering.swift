import CLarderKernels
import LarderColumns
import LarderEncodings
import LarderOffline

/// Gathers the texts of one feature, a chunk at a time; one worker's.
final class TextGathering {
  private let gather: TextGather
  private let extents: ExtentReader?
  private var reader = TextReader()

  init(_ gather: TextGather) {
    self.gather = gather
    extents = gather.extents.map { ExtentReader($0) }
  }

  /// Gathers the matches of a chunk.
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
    if let extents {
      try copy(matches, extents, to: &run, lengths, valid)
    } else {
      try read(matches, to: &run, lengths, valid)
    }
    output.add(run, chunk: chunk)
  }

  /// Copies the values of 64 matches together: headers are fetched three batches ahead, offsets two,
  /// the bytes one.
  private func copy(
    _ matches: Matches, _ extents: ExtentReader, to run: inout ByteRun, _ lengths: Lanes<Int32>,
    _ valid: Lanes<UInt64>
  ) throws(LarderError) {
    extents.begin()
    let bases = unsafe extents.sources.bases.base
    let areCodes = extents.sources.columns.contains { $0?.encoding == .symbols }
    let batches = ExtentReader.batches(matches.count)
    for step in 0..<batches + 3 {
      if step >= 3 {
        if areCodes {
          expand(matches, extents, step - 3, to: &run, lengths, valid)
        } else {
          copy(matches, extents, step - 3, to: &run, lengths, valid)
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
  }

  /// Copies the values of a batch.
  private func copy(
    _ matches: Matches, _ extents: ExtentReader, _ batch: Int, to run: inout ByteRun,
    _ lengths: Lanes<Int32>, _ valid: Lanes<UInt64>
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
    _ matches: Matches, _ extents: ExtentReader, _ batch: Int, to run: inout ByteRun,
    _ lengths: Lanes<Int32>, _ valid: Lanes<UInt64>
  ) {
    let found = unsafe extents.found(batch)
    for (index, match) in ExtentReader.range(batch, of: matches.count).enumerated() {
      let extent = unsafe found[index]
      guard extent.start >= 0 else { continue }
      let segment = Int(matches.segment[match])
      let address = extents.sources.bases[segment] + UInt(extent.start)
      let bytes = unsafe UnsafeRawBufferPointer(
        start: UnsafeRawPointer(bitPattern: address), count: Int(extent.end - extent.start))
      let before = run.count
      if let symbols = extents.sources.columns[segment]?.symbols {
        let most = SymbolTable.most(of: bytes.count)
        let room = most + 8
        let length = unsafe symbols.decode(bytes, into: run.grow(by: room), count: most)
        run.shrink(by: room - length)
      } else {
        unsafe run.append(bytes)
      }
      let lane = Int(matches.lane[match])
      lengths[lane] = Int32(truncatingIfNeeded: run.count - before)
      valid[lane >> 6] |= 1 << UInt64(lane & 63)
    }
  }

  /// Reads the values one by one, where some are compressed.
  private func read(
    _ matches: Matches, to run: inout ByteRun, _ lengths: Lanes<Int32>, _ valid: Lanes<UInt64>
  ) throws(LarderError) {
    for match in 0..<matches.count {
      let segment = Int(matches.segment[match])
      guard let column = gather.columns[segment] else { continue }
      let before = run.count
      let isValid = unsafe try reader.read(column, segment, Int(matches.row[match])) { bytes in
        unsafe run.append(bytes)
      }
      guard isValid else { continue }
      let lane = Int(matches.lane[match])
      lengths[lane] = Int32(truncatingIfNeeded: run.count - before)
      valid[lane >> 6] |= 1 << UInt64(lane & 63)
    }
  }
}
