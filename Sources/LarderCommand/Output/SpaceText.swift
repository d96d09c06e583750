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

  /// The members of a report.
  static func json(_ report: SpaceReport) -> JSONValue {
    .object([
      "dryRun": .bool(report.isDryRun), "filesRemoved": .integer(report.filesRemoved),
      "bytesReturned": .integer(report.bytesReturned),
      "bytesWaiting": .integer(report.bytesWaiting),
      "waitingUntil": report.waitingUntil.map { .text("\($0)") } ?? .null,
      "oldestSnapshot": .integer(report.oldest),
    ])
  }
}
