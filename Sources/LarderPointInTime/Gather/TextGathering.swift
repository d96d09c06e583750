import CLarderKernels
import LarderColumns
import LarderOffline

/// Gathers the texts of one feature, a chunk at a time; one worker's.
final class TextGathering {
  private let gather: TextGather
  private let spans: SpanReader?
  private var reader = TextReader()

  init(_ gather: TextGather) {
    self.gather = gather
    spans = gather.spans.map { SpanReader($0) }
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
    if let spans {
      try copy(matches, spans, to: &run, lengths, valid)
    } else {
      try read(matches, to: &run, lengths, valid)
    }
    output.add(run, chunk: chunk)
  }

  /// Copies the values of 64 matches together: headers are fetched three batches ahead, offsets two,
  /// the bytes one.
  private func copy(
    _ matches: Matches, _ spans: SpanReader, to run: inout ByteRun, _ lengths: Lanes<Int32>,
    _ valid: Lanes<UInt64>
  ) throws(LarderError) {
    spans.begin()
    let bases = unsafe spans.sources.bases.base
    let batches = SpanReader.batches(matches.count)
    for step in 0..<batches + 3 {
      if step >= 3 {
        let part = unsafe spans.part(matches, step - 3)
        let found = unsafe spans.found(step - 3)
        var bytes = 0
        for index in unsafe 0..<part.count {
          unsafe bytes += Int(found[index].end - found[index].start)
        }
        let room = unsafe run.grow(by: bytes).assumingMemoryBound(to: UInt8.self)
        unsafe larder_copy_spans(bases, part, found, room, lengths.base, valid.base)
      }
      if step >= 2, step - 2 < batches {
        try spans.find(matches, step - 2)
        unsafe larder_prefetch_spans(
          bases, spans.part(matches, step - 2), spans.found(step - 2))
      }
      if step >= 1, step - 1 < batches { try spans.locate(matches, step - 1) }
      if step < batches { spans.prefetch(matches, step) }
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
