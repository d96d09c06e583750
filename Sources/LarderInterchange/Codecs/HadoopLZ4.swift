import LarderColumns

/// Decompresses what Parquet's first LZ4 codec was written as: Hadoop's framing, an LZ4 frame, or a
/// bare block, by whatever the bytes are.
///
/// Hadoop's framing is any number of runs: the bytes that a run gives and the bytes it takes, as
/// big-endian words of 32 bits, then its blocks.
///
/// - Throws: `invalidInput` if the bytes are damaged or give another length.
func decompressHadoopLZ4(
  _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
) throws(LarderError) {
  if unsafe input.starts(with: [0x04, 0x22, 0x4D, 0x18]) {
    return unsafe try decompressLZ4Frame(input, into: output)
  }
  guard let runs = unsafe hadoopRuns(input, expected: output.count) else {
    return unsafe try decompressLZ4Block(input, into: output)
  }
  var written = 0
  for run in runs {
    let room = unsafe UnsafeMutableRawBufferPointer(
      rebasing: output[written..<written + run.bytes])
    unsafe try decompressLZ4Block(
      UnsafeRawBufferPointer(rebasing: input[run.place]), into: room)
    written += run.bytes
  }
}

/// Where the blocks of Hadoop's framing lie and what each gives; nil if the bytes are not framed so.
private func hadoopRuns(
  _ input: UnsafeRawBufferPointer, expected: Int
) -> [(place: Range<Int>, bytes: Int)]? {
  func word(_ at: Int) -> Int {
    unsafe Int(UInt32(bigEndian: input.loadUnaligned(fromByteOffset: at, as: UInt32.self)))
  }
  var runs: [(place: Range<Int>, bytes: Int)] = []
  var at = 0
  var total = 0
  while at < input.count {
    guard input.count - at >= 8 else { return nil }
    let (bytes, taken) = (word(at), word(at + 4))
    at += 8
    guard taken <= input.count - at, bytes <= expected - total else { return nil }
    runs.append((at..<at + taken, bytes))
    at += taken
    total += bytes
  }
  return total == expected ? runs : nil
}
