import LarderColumns
import LarderFiles

/// A log file of the row log, mapped for reading; what is written stays as it is forever.
@safe final class LogFile: @unchecked Sendable {
  let path: String
  let number: Int
  let sequence: UInt64
  let units: Int
  let inode: UInt64
  /// What every record's checksum starts from, with the record's slot.
  let seed: UInt32
  let base: UnsafeRawPointer
  private let map: MappedFile

  var bytes: Int { units * LogFormat.unit }

  /// Whether somebody cut the file short and zeros were read in place of rows.
  var isTruncated: Bool { map.isTruncated }

  private init(
    path: String, header: LogFileHeader, inode: UInt64, map: MappedFile, base: UnsafeRawPointer
  ) {
    self.path = path
    number = header.number
    sequence = header.sequence
    units = header.bytes / LogFormat.unit
    self.inode = inode
    seed = header.seed
    self.map = map
    unsafe self.base = base
  }

  /// Opens a log file and checks that it is this table's and whole.
  ///
  /// - Throws: `notFound` if it is gone; `corrupt`, `unsupportedVersion` with what is wrong.
  static func open(
    _ directory: String, sequence: UInt64, identity: TableIdentity, files: any FileSystem
  ) throws(LarderError) -> LogFile {
    let path = "\(directory)/\(LogFormat.fileName(sequence))"
    let file = try files.open(path, .read)
    let header = try LogFileHeader.read(file)
    guard header.identity == identity, header.sequence == sequence else {
      throw LarderError(
        .corrupt, "The log file belongs to another online table or has another name.", file: path)
    }
    return try map(file, header: header)
  }

  /// Maps a log file whose header is known.
  static func map(_ file: any File, header: LogFileHeader) throws(LarderError) -> LogFile {
    let status = try file.status()
    guard status.bytes == UInt64(header.bytes) else {
      throw LarderError(
        .corrupt,
        "The log file has \(status.bytes) bytes; \(header.bytes) were expected. It was truncated "
          + "or extended from outside.", file: file.path, offset: status.bytes)
    }
    let map = try file.mapShared(bytes: header.bytes, writable: false)
    guard let base = unsafe map.bytes.baseAddress else {
      throw LarderError(.corrupt, "The log file is empty.", file: file.path)
    }
    return unsafe LogFile(
      path: file.path, header: header, inode: status.inode, map: map, base: base)
  }

  /// The record at a unit, if it is whole: its bounds, its kind and its checksum fit.
  func record(at unit: Int) -> Record? {
    guard unit >= LogFormat.headerUnits, unit < units else { return nil }
    let record = unsafe Record(base: base + unit * LogFormat.unit)
    let length = record.units
    guard length >= 1, length <= units - unit, record.kind >= 1, record.kind <= 3 else {
      return nil
    }
    let slot = Slot(number: number, unit: unit)
    return record.computedChecksum(seed: seed, slot: slot) == record.checksum ? record : nil
  }

  /// Whether the batch with which every log file begins is there: a state, and its commit.
  ///
  /// One that lacks it is what a crash left of the log file's making, or damaged.
  var hasFirstBatch: Bool {
    guard let state = record(at: LogFormat.headerUnits), state.kind == RecordKind.state else {
      return false
    }
    return record(at: LogFormat.headerUnits + state.units)?.kind == RecordKind.commit
  }

  /// The second word of a unit, which is zero where nothing was written.
  func word(at unit: Int) -> UInt32 {
    unsafe base.load(fromByteOffset: unit * LogFormat.unit + 4, as: UInt32.self)
  }

  /// Whether all bytes of some units are zero.
  func isZero(_ range: Range<Int>) -> Bool {
    let words = unsafe UnsafeBufferPointer(
      start: (base + range.lowerBound * LogFormat.unit).assumingMemoryBound(to: UInt64.self),
      count: range.count * LogFormat.unit / 8)
    return unsafe words.allSatisfy { $0 == 0 }
  }
}

/// The first page of a log file.
struct LogFileHeader: Hashable, Sendable {
  var identity: TableIdentity
  var sequence: UInt64
  var number: Int
  /// Bytes of the whole file.
  var bytes: Int

  var seed: UInt32 {
    var bytes = ByteWriter(bytes: identity.bytes)
    bytes.append(sequence)
    return CRC32C.checksum(bytes.bytes, continuing: LogFormat.headerSeed)
  }

  var encoded: [UInt8] {
    var page = ByteWriter()
    page.append(LogFormat.magic)
    page.append(LogFormat.version)
    page.append(UInt32(number))
    page.bytes += identity.bytes
    page.append(sequence)
    page.append(UInt64(bytes))
    page.bytes += [UInt8](repeating: 0, count: LogFormat.headerBytes - 4 - page.bytes.count)
    page.append(CRC32C.checksum(page.bytes, continuing: LogFormat.headerSeed))
    return page.bytes
  }

  /// Reads and checks a log file's header.
  ///
  /// - Throws: `corrupt`, `unsupportedVersion`.
  static func read(_ file: any File) throws(LarderError) -> LogFileHeader {
    let page = try file.readExactly(LogFormat.headerBytes, at: 0)
    var reader = ByteReader(page, file: file.path)
    let magic = try reader.read(UInt64.self)
    let version = try reader.read(UInt32.self)
    guard magic == LogFormat.magic else {
      throw LarderError(.corrupt, "This is no log file of an online table.", file: file.path)
    }
    let number = Int(try reader.read(UInt32.self))
    let identity = TableIdentity(
      store: try reader.identifier(), table: try reader.identifier())
    let sequence = try reader.read(UInt64.self)
    let bytes = try reader.read(UInt64.self)
    let sum = CRC32C.checksum(Array(page.dropLast(4)), continuing: LogFormat.headerSeed)
    var tail = ByteReader(Array(page.suffix(4)), file: file.path)
    guard try tail.read(UInt32.self) == sum else {
      throw LarderError(
        .corrupt, "The log file's header does not match its checksum.", file: file.path)
    }
    guard version == LogFormat.version else {
      throw LarderError(
        .unsupportedVersion, "The log file has version \(version); this is version 1.",
        file: file.path)
    }
    guard number < LogFormat.logFiles, bytes <= UInt64(LogFormat.largestLogFile),
      bytes % UInt64(LogFormat.headerBytes) == 0, bytes > UInt64(LogFormat.headerBytes),
      sequence < 1 << 43
    else {
      throw LarderError(.corrupt, "The log file's header is out of bounds.", file: file.path)
    }
    return LogFileHeader(
      identity: identity, sequence: sequence, number: number, bytes: Int(bytes))
  }
}
