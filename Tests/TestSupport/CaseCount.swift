import Glibc

/// How many random cases a test runs.
///
/// Few as a rule; all where `LARDER_CASES` is `full`, as for a release; where it is a number, as many,
/// but not more than all.
public func caseCount(_ usual: Int, full: Int) -> Int {
  guard let text = getenv("LARDER_CASES") else { return usual }
  let value = String(cString: text)
  if let count = Int(value) { return max(0, min(count, full)) }
  return value == "full" ? full : usual
}
