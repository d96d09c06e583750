/// What a change of history leaves behind online.
enum BehindText {
  /// The line for a view's table.
  static func line(_ view: String) -> String {
    "online table of \(view) is behind: run `larder materialize`"
  }

  /// A line for each view.
  static func lines(_ views: [String]) -> String { views.map { line($0) + "\n" }.joined() }
}
