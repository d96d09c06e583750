import LarderColumns

/// Sorts runs of rows by id and time, stably: nothing to do where they are in order, by insertion
/// where they are short, else by merging from below.
struct RunSorter {
  private let threads: Int
  private var scratch = Buffer(uninitializedBytes: 0)

  init(threads: Int) { self.threads = threads }

  private static let insertion = 24
  /// Longer runs are sorted by insertion while it takes fewer steps a row than merging would.
  private static let stepsPerRow = 4
  /// Runs of at least so many rows are sorted in parts on several threads.
  private static let parallel = 1 << 18

  mutating func sort(_ items: UnsafeMutableBufferPointer<SortItem>) throws(LarderError) {
    guard let base = items.baseAddress else { return }
    let sorted = unsafe sortedPrefix(base, items.count)
    if sorted == items.count { return }
    // Rows come in about the order of their times, most often: then a few steps each sort them.
    let steps = items.count <= Self.insertion ? Int.max : items.count * Self.stepsPerRow
    if unsafe insertionSort(base, from: sorted, count: items.count, steps: steps) { return }
    let bytes = items.count * MemoryLayout<SortItem>.stride
    if scratch.count < bytes { scratch = Buffer(uninitializedBytes: max(bytes, 64 << 10)) }
    let spare = unsafe scratch.base.assumingMemoryBound(to: SortItem.self)
    if threads > 1, items.count >= Self.parallel {
      let half = items.count / 2
      let pieces = [0..<half, half..<items.count]
      let sorter = unsafe PiecesSort(base: base, spare: spare)
      try runTasks(2, threads: 2) { piece throws(LarderError) in
        unsafe mergeSort(
          sorter.base + pieces[piece].lowerBound, sorter.spare + pieces[piece].lowerBound,
          pieces[piece].count)
      }
      unsafe merge(base, half, base + half, items.count - half, spare)
      unsafe base.update(from: spare, count: items.count)
    } else {
      unsafe mergeSort(base, spare, items.count)
    }
  }
}

/// Lets two threads sort halves of one run that do not overlap.
@safe private struct PiecesSort: @unchecked Sendable {
  let base: UnsafeMutablePointer<SortItem>
  let spare: UnsafeMutablePointer<SortItem>
}

private func sortedPrefix(_ items: UnsafeMutablePointer<SortItem>, _ count: Int) -> Int {
  var index = 1
  while unsafe index < count && !SortItem.precedes(items[index], items[index - 1]) { index += 1 }
  return min(index, count)
}

/// Sorts by insertion, in at most about so many steps; false if it takes more, and then the items
/// are all there, the first of them sorted.
@discardableResult
private func insertionSort(
  _ items: UnsafeMutablePointer<SortItem>, from first: Int, count: Int, steps: Int = .max
) -> Bool {
  var left = steps
  for index in max(1, first)..<max(1, count) {
    let item = unsafe items[index]
    var at = index
    while unsafe at > 0 && SortItem.precedes(item, items[at - 1]) {
      unsafe items[at] = items[at - 1]
      at -= 1
    }
    unsafe items[at] = item
    left -= index - at
    if left < 0 { return false }
  }
  return true
}

/// Merges ever longer runs back and forth between two pieces of memory, from 16 rows on.
private func mergeSort(
  _ items: UnsafeMutablePointer<SortItem>, _ spare: UnsafeMutablePointer<SortItem>, _ count: Int
) {
  var width = 16
  var first = 0
  while first < count {
    unsafe insertionSort(items + first, from: 1, count: min(width, count - first))
    first += width
  }
  var source = unsafe items
  var target = unsafe spare
  while width < count {
    var at = 0
    while at < count {
      let left = min(width, count - at)
      let right = min(width, count - at - left)
      unsafe merge(source + at, left, source + at + left, right, target + at)
      at += left + right
    }
    unsafe swap(&source, &target)
    width *= 2
  }
  if unsafe source != items { unsafe items.update(from: source, count: count) }
}

private func merge(
  _ a: UnsafeMutablePointer<SortItem>, _ aCount: Int, _ b: UnsafeMutablePointer<SortItem>,
  _ bCount: Int, _ target: UnsafeMutablePointer<SortItem>
) {
  if unsafe bCount == 0 || aCount == 0 || !SortItem.precedes(b[0], a[aCount - 1]) {
    // In order as they are.
    unsafe target.update(from: a, count: aCount)
    unsafe (target + aCount).update(from: b, count: bCount)
    return
  }
  var i = 0
  var j = 0
  var k = 0
  while i < aCount && j < bCount {
    // On a tie the left one, which came first.
    if unsafe SortItem.precedes(b[j], a[i]) {
      unsafe target[k] = b[j]
      j += 1
    } else {
      unsafe target[k] = a[i]
      i += 1
    }
    k += 1
  }
  if i < aCount { unsafe (target + k).update(from: a + i, count: aCount - i) }
  if j < bCount { unsafe (target + k).update(from: b + j, count: bCount - j) }
}
