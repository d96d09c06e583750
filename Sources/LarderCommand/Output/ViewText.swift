import Larder
import LarderContract

/// Parts of a view's definition as tables show them.
enum ViewText {
  /// `3h`, or `-` for none.
  static func timeToLive(_ view: FeatureView) -> String {
    guard let timeToLive = view.timeToLive, timeToLive != .zero else { return "-" }
    return TimeToLive.text(timeToLive)
  }

  /// `origin string, gate int32`, or `-` for a view without entities.
  static func keys(_ view: FeatureView) -> String {
    if view.isEntityless { return "-" }
    return view.joinKeys.map { "\($0.name) \($0.type.rawValue)" }.joined(separator: ", ")
  }
}
