/// The candidate nearest to a name that was not found, for "did you mean" in messages.
///
/// Nearest is the least number of bytes put in, left out, changed or swapped with their neighbour
/// (optimal string alignment), ignoring case; none is offered beyond a third of the longer name.
///
/// - Complexity: O(candidates x length squared).
public func nearestName(to name: String, among candidates: some Sequence<String>) -> String? {
  var best: (name: String, distance: Int)?
  for candidate in candidates {
    let distance = editDistance(name.lowercased(), candidate.lowercased())
    if distance <= max(1, max(name.utf8.count, candidate.utf8.count) / 3),
      distance < best?.distance ?? .max
    {
      best = (candidate, distance)
    }
  }
  return best?.name
}

/// A sentence for the end of a message: the nearest name, or the names there are.
public func suggestion(for name: String, among candidates: [String]) -> String {
  if let nearest = nearestName(to: name, among: candidates) {
    return "Did you mean \"\(nearest)\"?"
  }
  if candidates.isEmpty { return "There are none." }
  let shown = candidates.sorted().prefix(12).joined(separator: ", ")
  return "There are: \(shown)\(candidates.count > 12 ? ", ..." : "")."
}

private func editDistance(_ a: String, _ b: String) -> Int {
  let a = Array(a.utf8.prefix(Limits.nameBytes))
  let b = Array(b.utf8.prefix(Limits.nameBytes))
  if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
  var older: [Int] = []
  var row = Array(0...b.count)
  for i in 1...a.count {
    var next = [i]
    for j in 1...b.count {
      var distance = row[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
      distance = min(distance, row[j] + 1, next[j - 1] + 1)
      if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
        distance = min(distance, older[j - 2] + 1)
      }
      next.append(distance)
    }
    older = row
    row = next
  }
  return row[b.count]
}
