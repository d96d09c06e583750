import LarderColumns
import LarderFiles

/// What an index says that its log once held.
///
/// A log that ends early is what a crash leaves, and what damage of its last batch looks like. An
/// index tells the two apart: the position up to which the log was on disk is stored after the sync
/// that made it so, and the position up to which batches were acknowledged after the batch. Each is
/// followed by a check, so that a damaged index proves nothing instead of something wrong.
struct IndexProof: Sendable {
  /// Whose index it is.
  var table: TableIdentity
  /// The log reached at least to here.
  var reached: LogPosition
  /// It was on disk to here.
  var durable: LogPosition

  static let nowhere = LogPosition(sequence: 0, unit: 0)

  /// The check behind a position; never zero, so that an index of before has none.
  static func check(_ position: UInt64, _ with: UInt64 = 0) -> UInt64 {
    ((position ^ with &* 0x9E37_79B9_7F4A_7C15) &* 0xC2B2_AE3D_27D4_EB4F) | 1
  }

  /// What all indexes of a directory that are in use say.
  ///
  /// To be asked before the log is looked at: what is said later may be of what was written later.
  ///
  /// - Throws: `io`.
  static func all(
    in directory: String, _ files: any FileSystem
  ) throws(LarderError) -> [IndexProof] {
    var proofs: [IndexProof] = []
    for number in try TableFiles.numbers(directory, IndexFormat.suffix, files) {
      let path = "\(directory)/\(IndexFormat.fileName(number))"
      let file: any File
      do throws(LarderError) { file = try files.open(path, .read) } catch {
        if error.code == .notFound { continue }
        throw error
      }
      if let proof = try IndexProof(file, files) { proofs.append(proof) }
    }
    return proofs
  }

  /// What one index says; nil if it is not in use, or was never finished.
  private init?(_ file: any File, _ files: any FileSystem) throws(LarderError) {
    let status = try file.status()
    guard status.bytes >= UInt64(IndexFormat.linesOffset) else { return nil }
    let page = try file.readExactly(4096, at: 0)
    guard let identity = IndexIdentity(page) else { return nil }
    func word(_ offset: Int) -> UInt64 {
      unsafe page.withUnsafeBytes {
        unsafe $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      }
    }
    guard word(IndexFormat.retired) == 0 else { return nil }
    table = identity.table
    let position = word(IndexFormat.durable)
    durable =
      word(IndexFormat.durableCheck) == IndexProof.check(position)
      ? LogPosition(bits: position) : IndexProof.nowhere
    reached = durable
    // What was acknowledged and not synced is in memory as long as the machine runs.
    guard identity.device == status.device, identity.inode == status.inode,
      word(IndexFormat.poisoned) == 0, try files.bootIdentifier() == identity.boot
    else { return }
    let applied = word(IndexFormat.applied)
    if word(IndexFormat.appliedCheck)
      == IndexProof.check(applied, word(IndexFormat.appliedBatch))
    {
      reached = max(reached, LogPosition(bits: applied))
    }
  }

  /// Refuses a log that ends before what was on disk, or acknowledged.
  ///
  /// A single unit is let go: it can only be the empty batch of a clean close.
  ///
  /// - Parameters:
  ///   - end: the position after the last whole batch.
  ///   - path: the log file in which that is.
  static func require(
    _ proofs: [IndexProof], of table: TableIdentity, _ end: LogPosition, _ path: String
  ) throws(LarderError) {
    for proof in proofs where proof.table == table && proof.reached > end {
      if proof.reached.sequence == end.sequence, proof.reached.unit <= end.unit + 1 { continue }
      throw LarderError(
        .corrupt,
        "The online table's row log ends where its key index says that more had been written: the "
          + "end of the log was damaged, cut off or replaced by an older one. Restore the store, or "
          + "drop the table and materialize the view again; to go on with what is left, remove the "
          + "table's index files.",
        file: path, offset: UInt64(end.unit * LogFormat.unit))
    }
  }
}

extension IndexMemory {
  /// Says up to where the log is on disk.
  func prove(durable position: LogPosition) {
    let bits = position.bits
    store(0, IndexFormat.durableCheck)
    store(bits, IndexFormat.durable)
    store(IndexProof.check(bits), IndexFormat.durableCheck)
  }

  /// Says up to where the log is in the index, and which batch ends there.
  func prove(applied position: LogPosition, batch: UInt64) {
    let bits = position.bits
    store(0, IndexFormat.appliedCheck)
    store(batch, IndexFormat.appliedBatch)
    store(bits, IndexFormat.applied)
    store(IndexProof.check(bits, batch), IndexFormat.appliedCheck)
  }
}
