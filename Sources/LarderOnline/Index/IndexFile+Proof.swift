import LarderColumns
import LarderFiles

extension IndexFile {
  /// Makes the index of a copied table: one that says which log files there are and how far the log
  /// goes, and leads to no key.
  ///
  /// It names no file of its own, so that nobody looks keys up in it. Who opens the copy builds an
  /// index from the log, and is told by this one what the log must have.
  ///
  /// - Parameter durable: where the copied log ends.
  /// - Throws: `noSpace`, `io`.
  static func makeProof(
    _ path: String, _ table: TableIdentity, _ logFiles: [LogFile], durable: LogPosition,
    _ files: any FileSystem
  ) throws(LarderError) {
    let memory = makePrivate()
    let identity = IndexIdentity(
      table: table, boot: try files.bootIdentifier(), device: 0, inode: 0)
    let page = identity.encoded
    for (offset, byte) in page.enumerated() {
      unsafe memory.base.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
    }
    memory.store(memory.lines, IndexFormat.lines)
    for logFile in logFiles {
      memory.setLogFile(number: logFile.number, sequence: logFile.sequence, inode: 0)
    }
    memory.prove(durable: durable)
    memory.store(checksum(memory), IndexFormat.clean)
    let file = try files.open(path, .create)
    unsafe try file.write(
      UnsafeRawBufferPointer(start: memory.base, count: memory.bytes), at: 0)
    try file.syncData()
  }
}
