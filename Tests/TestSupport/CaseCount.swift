import Glibc

/// How many random cases a test runs: few as a rule, all where `LARDER_CASES` is `full`, as for a
/// release.
public func caseCount(_ usual: Int, full: Int) -> Int {
  guard let text = getenv("LARDER_CASES") else { return usual }
  return String(cString: text) == "full" ? full : usual
}
