import Larder
import LarderContract

/// What `larder verify --parity` prints.
struct ParityText {
  let report: ParityReport

  /// For people.
  func text(seconds: Double) -> String {
    var text = ""
    var table = Table([
      "view": .left, "keys": .right, "direct": .right, "ahead": .right, "differences": .right,
      "through": .left, "commit": .right,
    ])
    for view in report.views {
      for difference in view.samples { text += "\(view.name): \(difference)\n" }
      if let reason = view.reason, view.watermark != nil {
        text += "\(view.name): not compared: \(reason)\n"
      }
      if view.isBehind { text += BehindText.line(view.name) + "\n" }
      table.add(
        view.name, Quantity.count(view.keys), Quantity.count(view.directKeys),
        Quantity.count(view.aheadKeys), Quantity.count(view.differences),
        view.watermark.map { "\($0.through)" } ?? "-",
        view.watermark.map { "\($0.commit)" } ?? "-")
    }
    let keys = report.views.reduce(0) { $0 + $1.keys }
    let outcome = report.isEqual ? "online equals history" : "online does not equal history"
    return text + table.text
      + "\(outcome): \(Quantity.count(keys, "key")) compared in \(Quantity.seconds(seconds)), "
      + "seed \(report.seed)\n"
  }
}
