import Larder
import LarderContract

/// What became of the space that a command freed.
enum SpaceText {
  /// `12.0 MB returned; 3.4 MB wait for earlier snapshots until ...`.
  static func line(returned: UInt64, waiting: UInt64, until: Timestamp?, dryRun: Bool = false)
    -> String
  {
    var text = "\(Quantity.bytes(returned)) \(dryRun ? "would be " : "")returned"
    if waiting > 0 {
      text += "; \(Quantity.bytes(waiting)) stay for earlier snapshots"
      if let until { text += " until \(until)" }
    }
    return text + "\n"
  }

  /// The line of a report.
  static func line(_ report: SpaceReport) -> String {
    line(
      returned: report.bytesReturned, waiting: report.bytesWaiting, until: report.waitingUntil,
      dryRun: report.isDryRun)
  }

  /// What became of erasures that were finished on the way; empty if none was pending.
  static func lines(_ erasure: ErasureReport?) -> String {
    guard let erasure else { return "" }
    if erasure.isComplete {
      let removed = erasure.files.filter(\.isRemoved).count
      return "finished an erasure; removed \(Quantity.count(removed, "file")) that held keys or "
        + "rows of it\n"
    }
    return erasure.pending.map { "erasure pending: \($0)\n" }.joined()
  }
}
