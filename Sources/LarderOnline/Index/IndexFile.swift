import LarderColumns
import LarderFiles

/// Making, trusting and closing the file of a key index.
enum IndexFile {
  /// Bytes of an index of so many lines, rounded up so that it seldom grows.
  static func bytes(forLines lines: UInt64) -> Int {
    let exact = IndexFormat.linesOffset + Int(lines) * IndexFormat.line
    return (exact + 4095) / 4096 * 4096
  }

  /// How many lines to make room for when so many are needed: twice, and at most 64 MiB more.
  static func room(forLines lines: UInt64) -> UInt64 { lines + min(lines, 1 << 20) }

  /// Makes an empty index that nobody trusts yet.
  static func make(
    _ path: String, _ files: any FileSystem
  ) throws(LarderError) -> (IndexMemory, any File) {
    try files.remove(path)
    let file = try files.open(path, .create)
    let lines = IndexWriter.lines(forBuckets: IndexWriter.firstBuckets)
    let memory = try extended(file, to: lines, exactly: true)
    memory.store(IndexWriter.firstBuckets, IndexFormat.buckets)
    return (memory, file)
  }

  /// Makes the file longer and maps it again.
  static func extended(
    _ file: any File, to lines: UInt64, exactly: Bool = false
  ) throws(LarderError) -> IndexMemory {
    let bytes = max(
      roomBytes(exactly ? lines : room(forLines: lines)), Int(try file.status().bytes))
    try lengthen(file, to: bytes)
    let memory = try IndexMemory(try file.mapShared(bytes: bytes, writable: true))
    memory.store(memory.lines, IndexFormat.lines)
    return memory
  }

  /// Bytes of a file with room for so many lines: whole large pages, from their size on.
  private static func roomBytes(_ lines: UInt64) -> Int {
    let bytes = bytes(forLines: lines)
    return bytes > largePage ? (bytes + largePage - 1) / largePage * largePage : bytes
  }

  /// The kernel keeps a file in pages of so many bytes where it was written in such pieces.
  private static let largePage = 2 << 20

  /// Makes the file longer, without mapping it.
  private static func lengthen(_ file: any File, to bytes: Int) throws(LarderError) {
    let old = Int(try file.status().bytes)
    if bytes <= old { return }
    try file.reserve(bytes: UInt64(bytes))
    if bytes >= largePage { try file.zeroFill(old..<bytes) }
  }

  /// Makes the file as long as it will be when it has to grow beyond so many lines.
  static func lengthen(_ file: any File, beyond lines: UInt64) throws(LarderError) {
    try lengthen(file, to: roomBytes(room(forLines: lines)))
  }

  /// An index in the memory of this process alone.
  static func makePrivate() -> IndexMemory {
    let lines = IndexWriter.lines(forBuckets: IndexWriter.firstBuckets)
    let memory = IndexMemory(Buffer(zeroedBytes: bytes(forLines: lines)))
    memory.store(IndexWriter.firstBuckets, IndexFormat.buckets)
    return memory
  }

  /// A longer copy of an index in memory.
  static func extended(private old: IndexMemory, to lines: UInt64) -> IndexMemory {
    let buffer = Buffer(zeroedBytes: bytes(forLines: room(forLines: lines)))
    unsafe buffer.base.copyMemory(from: old.base, byteCount: old.bytes)
    return IndexMemory(buffer)
  }

  /// Says whose index it is; from now on it is trusted during this boot.
  static func identify(_ file: any File, _ table: TableIdentity, _ files: any FileSystem)
    throws(LarderError)
  {
    let status = try file.status()
    let identity = IndexIdentity(
      table: table, boot: try files.bootIdentifier(), device: status.device, inode: status.inode)
    try file.write(identity.encoded, at: 0)
  }

  /// Opens an index if it may be trusted: made in this boot, or closed clean and unchanged since,
  /// for this table, as this very file.
  ///
  /// - Returns: nil if it may not.
  static func openTrusted(
    _ path: String, _ table: TableIdentity, _ files: any FileSystem, writable: Bool
  ) throws(LarderError) -> (memory: IndexMemory, file: any File)? {
    let file: any File
    do throws(LarderError) { file = try files.open(path, writable ? .update : .read) } catch {
      if error.code == .notFound { return nil }
      throw error
    }
    let status = try file.status()
    guard status.bytes >= UInt64(IndexFormat.linesOffset), status.bytes <= 1 << 40 else {
      return nil
    }
    let page = try file.readExactly(4096, at: 0)
    guard let identity = IndexIdentity(page), identity.table == table,
      identity.device == status.device, identity.inode == status.inode
    else { return nil }
    let memory = try IndexMemory(
      try file.mapShared(bytes: Int(status.bytes), writable: writable))
    let buckets = memory.load(IndexFormat.buckets)
    guard memory.load(IndexFormat.retired) == 0, memory.load(IndexFormat.lines) <= memory.lines,
      buckets >= IndexWriter.firstBuckets, buckets < memory.lines
    else { return nil }
    if try files.bootIdentifier() == identity.boot { return (memory, file) }
    // After another boot the disk must have all of it.
    if memory.loadAcquiring(IndexFormat.clean) == 0 { return nil }
    return holdsWhatWasClosed(memory) ? (memory, file) : nil
  }

  /// Whether an index that was closed clean is as it was then; true for one that is in use.
  ///
  /// - Complexity: O(bytes).
  static func holdsWhatWasClosed(_ memory: IndexMemory) -> Bool {
    let clean = memory.loadAcquiring(IndexFormat.clean)
    if clean == 0 || clean == checksum(memory) { return true }
    // A writer may have been opened while the sum was taken; then the mark is gone.
    return memory.loadAcquiring(IndexFormat.clean) != clean
  }

  /// Whether an index that is in use says that a log file was there.
  ///
  /// A log file is named only after its first batch was written, so a file that is named in this boot
  /// or was when the table was closed, and lacks it, was damaged, whatever else the index says. Nor
  /// need the file be the one that was named: a copy of a directory has other inodes.
  static func names(
    logFile sequence: UInt64, in directory: String, _ files: any FileSystem
  ) throws(LarderError) -> Bool {
    for number in try TableFiles.numbers(directory, IndexFormat.suffix, files) {
      let file: any File
      do throws(LarderError) {
        file = try files.open("\(directory)/\(IndexFormat.fileName(number))", .read)
      } catch {
        if error.code == .notFound { continue }
        throw error
      }
      guard try file.status().bytes >= UInt64(IndexFormat.linesOffset) else { continue }
      let page = try file.readExactly(4096, at: 0)
      guard let identity = IndexIdentity(page), page[IndexFormat.retired] == 0 else { continue }
      let isClean = page[IndexFormat.clean..<IndexFormat.clean + 8].contains { $0 != 0 }
      if !isClean, try files.bootIdentifier() != identity.boot { continue }
      let table = try file.readExactly(
        LogFormat.logFiles * IndexFormat.tableEntry, at: UInt64(IndexFormat.table))
      let isNamed = unsafe table.withUnsafeBytes { entries in
        stride(from: 0, to: entries.count, by: IndexFormat.tableEntry).contains { entry in
          unsafe entries.loadUnaligned(fromByteOffset: entry, as: UInt64.self) == sequence
        }
      }
      if isNamed { return true }
    }
    return false
  }

  /// Whether an index was made or taken over in this boot.
  static func isOfThisBoot(
    _ memory: IndexMemory, _ files: any FileSystem
  ) throws(LarderError) -> Bool {
    let page = unsafe Array(UnsafeRawBufferPointer(start: memory.base, count: 4096))
    return try IndexIdentity(page)?.boot == files.bootIdentifier()
  }

  /// Takes the mark of a clean close away, before anything is changed.
  static func unmark(
    _ memory: IndexMemory, _ file: any File, _ table: TableIdentity, _ files: any FileSystem
  ) throws(LarderError) {
    if memory.load(IndexFormat.clean) == 0 { return }
    memory.store(0, IndexFormat.clean)
    try identify(file, table, files)
    try file.syncData()
  }

  /// Marks an index that is complete as closed clean, so that it is trusted after a reboot too.
  static func mark(_ memory: IndexMemory, _ file: any File) throws(LarderError) {
    try file.syncData()
    memory.store(checksum(memory), IndexFormat.clean)
    try file.syncData()
  }

  /// Tells the readers of an index that it is no more.
  static func retire(_ path: String, _ files: any FileSystem) throws(LarderError) {
    let file = try files.open(path, .update)
    guard try file.status().bytes >= UInt64(IndexFormat.linesOffset),
      IndexIdentity(try file.readExactly(4096, at: 0)) != nil
    else { return }
    let memory = try IndexMemory(
      try file.mapShared(bytes: IndexFormat.linesOffset, writable: true))
    memory.store(1, IndexFormat.retired)
  }

  /// A checksum of everything but the line with the mark; never zero.
  ///
  /// Beyond the lines that are in use the file may be longer.
  static func checksum(_ memory: IndexMemory) -> UInt64 {
    let end = IndexFormat.cleanLine.upperBound
    let lines = Int(min(memory.load(IndexFormat.lines), memory.lines))
    let bytes = IndexFormat.linesOffset + lines * IndexFormat.line
    let head = unsafe XXH3.hash64(
      UnsafeRawBufferPointer(start: memory.base, count: IndexFormat.cleanLine.lowerBound))
    let rest = unsafe XXH3.hash64(
      UnsafeRawBufferPointer(start: memory.base + end, count: bytes - end), seed: head)
    return rest | 1
  }
}
