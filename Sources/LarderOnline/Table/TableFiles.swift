import LarderColumns
import LarderContract
import LarderFiles

/// Making and finding a table's files.
enum TableFiles {
  /// Makes a segment's file with its header, not yet synced.
  static func makeSegment(
    _ header: SegmentHeader, _ path: String, _ files: any FileSystem
  ) throws(LarderError) -> (LogSegment, any File) {
    // What an unfinished creation left behind is in the way.
    try files.remove(path)
    let file = try files.open(path, .create)
    do throws(LarderError) {
      try file.reserve(bytes: UInt64(header.bytes))
      try file.write(header.encoded, at: 0)
      return (try LogSegment.map(file, header: header), file)
    } catch {
      try files.remove(path)
      throw error
    }
  }

  /// The numbers in the names of a directory's files of a kind, in order.
  static func numbers(
    _ directory: String, _ suffix: String, _ files: any FileSystem
  ) throws(LarderError) -> [UInt64] {
    guard try files.status(of: directory) != nil else { return [] }
    return try files.names(in: directory)
      .compactMap { LogFormat.sequence(ofFile: $0, suffix: suffix) }.sorted()
  }

  /// Makes a table's directory and first segment; does nothing to a table that is there.
  ///
  /// - Returns: whether a table was made.
  static func create(
    _ directory: String, view: FeatureView, store: FileIdentifier, host: Host,
    options: OnlineOptions
  ) throws(LarderError) -> Bool {
    if try exists(directory, host.files) { return false }
    try host.files.makeDirectory(directory)
    let header = SegmentHeader(
      identity: TableIdentity(store: store, table: host.makeIdentifier()), sequence: 1, number: 0,
      bytes: min(max(options.firstSegmentBytes, 1 << 16), LogFormat.largestSegment))
    let path = "\(directory)/\(LogFormat.fileName(1))"
    let (segment, file) = try makeSegment(header, path, host.files)
    var state = try TableState(view)
    state.segments = [TableState.Segment(sequence: 1, number: 0, end: nil)]
    try write(state, to: file, segment, host)
    try file.syncData()
    try host.files.syncDirectory(directory)
    return true
  }

  /// Writes the first batch of a table: its state alone.
  private static func write(
    _ state: TableState, to file: any File, _ segment: LogSegment, _ host: Host
  ) throws(LarderError) {
    let content = state.encoded
    let units = (LogScan.stateHeaderBytes + content.count + LogFormat.unit - 1) / LogFormat.unit
    guard (LogFormat.headerUnits + units + 1) <= segment.units else {
      throw LarderError(
        .limitExceeded, "The view's definition does not fit into the first segment.",
        file: file.path)
    }
    let buffer = Buffer(zeroedBytes: (units + 1) * LogFormat.unit)
    let base = unsafe buffer.base
    unsafe base.storeBytes(
      of: RecordKind.state << 24 | UInt32(units), toByteOffset: 4, as: UInt32.self)
    unsafe base.storeBytes(of: UInt32(content.count), toByteOffset: 8, as: UInt32.self)
    for (offset, byte) in content.enumerated() {
      unsafe base.storeBytes(
        of: byte, toByteOffset: LogScan.stateHeaderBytes + offset, as: UInt8.self)
    }
    let first = Slot(number: segment.number, unit: LogFormat.headerUnits)
    let sum = unsafe Record(base: base).computedChecksum(seed: segment.seed, slot: first)
    unsafe base.storeBytes(of: sum, as: UInt32.self)
    let commit = CommitRecord(
      batch: 1, durable: LogPosition(sequence: 1, unit: LogFormat.headerUnits),
      writtenAt: host.now(), units: units, records: 1, recordsChecksum: mixed(0, sum), flags: 0)
    let last = unsafe base + units * LogFormat.unit
    unsafe commit.encode(into: last)
    let slot = Slot(number: segment.number, unit: LogFormat.headerUnits + units)
    let end = unsafe Record(base: last).computedChecksum(seed: segment.seed, slot: slot)
    unsafe last.storeBytes(of: end, as: UInt32.self)
    unsafe try file.write(
      UnsafeRawBufferPointer(start: base, count: buffer.count),
      at: UInt64(LogFormat.headerBytes))
  }

  /// Whether a directory holds a table whose making was finished.
  ///
  /// - Throws: `notAStore` for a directory with files that are none of a table's.
  static func exists(_ directory: String, _ files: any FileSystem) throws(LarderError) -> Bool {
    guard let status = try files.status(of: directory) else { return false }
    guard status.kind == .directory else { throw foreign(directory) }
    let sequences = try numbers(directory, LogFormat.suffix, files)
    if sequences.count > 1 { return true }
    guard let only = sequences.first else {
      try checkIndexless(directory, files)
      return false
    }
    return try isFinished("\(directory)/\(LogFormat.fileName(only))", only, files)
  }

  /// Whether a directory holds a table, damaged or not: opening a damaged one says what is wrong.
  ///
  /// - Throws: `notAStore` for a file; `io`.
  static func mayExist(_ directory: String, _ files: any FileSystem) throws(LarderError) -> Bool {
    do throws(LarderError) { return try exists(directory, files) } catch {
      guard error.code == .corrupt else { throw error }
      return true
    }
  }

  /// Refuses a directory without segments whose index is in use: somebody took the log away.
  private static func checkIndexless(
    _ directory: String, _ files: any FileSystem
  ) throws(LarderError) {
    // Dropping a table removes its indexes first.
    guard let proof = try IndexProof.all(in: directory, files).first,
      try numbers(directory, LogFormat.suffix, files).isEmpty
    else { return }
    throw LarderError(
      .corrupt,
      "The online table's row log is gone; its key index says that it reached segment "
        + "\(proof.reached.sequence). Restore the store, or drop the table and materialize the view "
        + "again.", file: directory)
  }

  /// Whether the only segment of a table has its first batch.
  ///
  /// One that has not is what a crash left of the making: nothing was acknowledged yet.
  private static func isFinished(
    _ path: String, _ sequence: UInt64, _ files: any FileSystem
  ) throws(LarderError) -> Bool {
    let file = try files.open(path, .read)
    let bytes = try file.status().bytes
    do throws(LarderError) {
      let header = try SegmentHeader.read(file)
      let segment = try LogSegment.map(file, header: header)
      if segment.record(at: LogFormat.headerUnits) != nil { return true }
    } catch {
      // A crash's leftover or damage: told apart below.
      guard error.code == .corrupt else { throw error }
    }
    try checkRemnant(file, bytes: bytes)
    try checkUnnamed(file, sequence, files)
    return false
  }

  /// Refuses a segment without its first batch if an index says that it had it.
  static func checkUnnamed(
    _ file: any File, _ sequence: UInt64, _ files: any FileSystem
  ) throws(LarderError) {
    let directory = file.path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
    guard try IndexFile.names(segment: sequence, in: directory, files) else { return }
    throw LarderError(
      .corrupt,
      "The online table's segment lacks its first batch, which was on disk once: it was truncated or "
        + "overwritten from outside. Restore the store, or drop the table and materialize the view "
        + "again.", file: file.path, offset: try file.status().bytes)
  }

  /// Refuses a segment whose start is damaged, unless it is what a crash left of its making.
  ///
  /// Rows are written only after the first batch was on disk, so a commit of others is damage.
  static func checkRemnant(_ file: any File, bytes: UInt64) throws(LarderError) {
    var whole: LogSegment?
    do throws(LarderError) {
      whole = try LogSegment.map(file, header: try SegmentHeader.read(file))
    } catch {
      // Without a header no record can be checked: whatever looks like a commit counts.
      guard error.code == .corrupt else { throw error }
    }
    if let whole { return try checkRemnant(whole) }
    var offset: UInt64 = UInt64(LogFormat.headerBytes)
    while offset < bytes {
      let count = Int(min(bytes - offset, 1 << 20))
      let block = try file.readExactly(count, at: offset)
      for start in stride(from: 0, through: count - LogFormat.unit, by: LogFormat.unit)
      where block[start + 7] == UInt8(RecordKind.commit) && block[start + 4] == 1 {
        let isOfMaking = block[start + 44] & UInt8(CommitRecord.isInterlude) != 0
        let isFirst = block[start + 8] <= 1 && block[start + 9..<start + 16].allSatisfy { $0 == 0 }
        if isOfMaking || isFirst { continue }
        throw LarderError(
          .corrupt, "The online table's segment is damaged at its start.", file: file.path,
          offset: offset + UInt64(start))
      }
      offset += UInt64(count)
    }
  }

  private static func checkRemnant(_ segment: LogSegment) throws(LarderError) {
    for unit in LogFormat.headerUnits..<segment.units
    where segment.word(at: unit) == RecordKind.commit << 24 | 1 {
      guard let record = segment.record(at: unit) else { continue }
      let commit = CommitRecord(record)
      if commit.isInterlude || commit.batch <= 1 { continue }
      throw LarderError(
        .corrupt, "The online table's segment is damaged at its start.", file: segment.path,
        offset: UInt64(unit * LogFormat.unit))
    }
  }

  static func foreign(_ directory: String) -> LarderError {
    LarderError(
      .notAStore, "This is no online table of a Larder store; nothing was touched.",
      file: directory)
  }

  /// Removes a table's files and directory; does nothing if there are none.
  ///
  /// Of the segments the oldest go first: what a crash leaves then is seen to lack them, and is no
  /// table of old rows.
  ///
  /// - Throws: `notAStore` if other files are there; then nothing was removed.
  static func remove(_ directory: String, _ files: any FileSystem) throws(LarderError) {
    guard let status = try files.status(of: directory) else { return }
    guard status.kind == .directory else { throw foreign(directory) }
    let names = try files.names(in: directory)
    let own = names.filter { name in
      LogFormat.sequence(ofFile: name) != nil
        || LogFormat.sequence(ofFile: name, suffix: IndexFormat.suffix) != nil
        || LogFormat.sequence(ofFile: name, suffix: SpareSegment.suffix) != nil
    }
    guard own.count == names.count else { throw foreign(directory) }
    let indexes = own.filter { $0.hasSuffix(IndexFormat.suffix) }
    for name in indexes { try IndexFile.retire("\(directory)/\(name)", files) }
    for name in indexes { try files.remove("\(directory)/\(name)") }
    // An index that outlived its log would say that the log was lost.
    try files.syncDirectory(directory)
    for name in own.sorted() where !indexes.contains(name) {
      try files.remove("\(directory)/\(name)")
    }
    try files.syncDirectory(directory)
    try files.removeDirectory(directory)
  }
}
