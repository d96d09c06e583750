import Glibc

/// How many random cases a test runs: the number given, or `LARDER_CASES` per cent of it.
public func caseCount(_ usual: Int) -> Int {
  guard let text = getenv("LARDER_CASES"), let percent = Int(String(cString: text)) else {
    return usual
  }
  return max(1, usual * percent / 100)
}
