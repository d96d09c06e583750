import LarderColumns
import Synchronization

/// Counts the anonymous memory that one run takes above the caller's own batches.
///
/// When the bound is passed the run goes on counting without keeping, so that the error at its end
/// can name what would have sufficed.
final class MemoryBudget: Sendable {
  private let limit: Int?
  private let used: Atomic<Int>
  private let isOfBatch: Bool

  /// - Parameters:
  ///   - limit: bytes; nil for no bound.
  ///   - fixed: bytes that are taken in any case.
  ///   - isOfBatch: whether they are counted for one batch of an answer.
  init(limit: Int?, fixed: Int, isOfBatch: Bool = false) {
    self.limit = limit
    self.isOfBatch = isOfBatch
    used = Atomic(fixed)
  }

  /// Takes bytes.
  ///
  /// - Returns: whether they, and all before them, lie within the bound.
  func take(_ bytes: Int) -> Bool {
    let total = used.add(bytes, ordering: .relaxed).newValue
    return limit.map { total <= $0 } ?? true
  }

  /// Fails if more was taken than the bound allows, or than can be had.
  ///
  /// - Throws: `limitExceeded`, naming the least that works.
  func check() throws(LarderError) {
    let total = used.load(ordering: .relaxed)
    guard let limit, total > limit else { return try checkMachine(total) }
    if isOfBatch {
      throw LarderError(
        .limitExceeded,
        "The smallest batch of the answer needs \(total) bytes of memory, and \(limit) were "
          + "allowed. Allow at least \(total).")
    }
    throw MemoryBudget.exceeded(needed: total, limit: limit)
  }

  /// Fails where the machine, or the limit of the process, does not give so much: before it is taken
  /// that is an error, afterwards the end of the process.
  ///
  /// - Throws: `limitExceeded`.
  func checkMachine(_ bytes: Int) throws(LarderError) {
    // Less is not worth a system call.
    if bytes >= 4 << 20 { try OutOfMemory.check(bytes) }
  }

  /// The error of a bound that is too small.
  static func exceeded(needed: Int, limit: Int) -> LarderError {
    LarderError(
      .limitExceeded,
      "The answer needs \(needed) bytes of memory, and \(limit) were allowed. Allow at least "
        + "\(needed), or take the answer batch by batch.")
  }
}
