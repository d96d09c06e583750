import LarderColumns
import Synchronization

/// Collects what parallel tasks made, by their numbers.
final class SegmentResults: Sendable {
  private let found: Mutex<[SegmentDescription?]>

  init(count: Int) { found = Mutex(Array(repeating: nil, count: count)) }

  func set(_ index: Int, _ description: SegmentDescription) {
    found.withLock { $0[index] = description }
  }

  /// All of them, in order.
  func all() throws(LarderError) -> [SegmentDescription] {
    let all = found.withLock { $0.compactMap(\.self) }
    guard all.count == found.withLock({ $0.count }) else {
      throw LarderError(.cancelled, "Not every segment was written.")
    }
    return all
  }
}
