import Glibc
import LarderColumns
import Synchronization

/// What a forked child must not inherit.
///
/// Locks belong to an open file description, which a fork shares: a child that keeps the
/// descriptor keeps its parent's locks alive, and a child that unlocks frees them under its
/// parent. So the child closes these descriptors at once, and never unlocks.
///
/// The handler runs between fork and whatever the child does next, so it takes no lock and
/// allocates nothing: it walks a list whose entries are never freed, only used again.
package enum ForkedChild {
  /// How often this process is a fork of the one that loaded the library: 0, 1, ...
  ///
  /// An object made under another generation was opened by a parent.
  package static var generation: UInt64 { Forks.generation }

  /// The error for the use of an object that a parent opened.
  package static func error(path: String) -> LarderError {
    LarderError(
      .forked,
      "The store was opened before this process was forked; open it again in the child.",
      file: path)
  }

  /// Puts a descriptor on the list of those a child closes.
  static func enter(_ descriptor: Int32) -> Entry {
    _ = registration
    var next = unsafe first.load(ordering: .acquiring)
    while let node = unsafe next {
      let isFree = unsafe node.pointee.descriptor.compareExchange(
        expected: free, desired: descriptor, ordering: .acquiringAndReleasing
      ).exchanged
      if isFree { return unsafe Entry(node: node) }
      unsafe next = node.pointee.next
    }
    let node = UnsafeMutablePointer<Node>.allocate(capacity: 1)
    var head = unsafe first.load(ordering: .relaxed)
    unsafe node.initialize(to: Node(descriptor: descriptor, next: head))
    while true {
      let (exchanged, original) = unsafe first.compareExchange(
        expected: head, desired: node, ordering: .acquiringAndReleasing)
      if exchanged { return unsafe Entry(node: node) }
      unsafe head = original
      unsafe node.pointee.next = original
    }
  }

  /// A descriptor's place on the list.
  @safe struct Entry: @unchecked Sendable {
    fileprivate let node: UnsafeMutablePointer<Node>

    /// Whether no fork has closed the descriptor.
    var isOpen: Bool { unsafe node.pointee.descriptor.load(ordering: .relaxed) >= 0 }

    /// Takes the descriptor off the list; false if a fork has closed it.
    func leave() -> Bool {
      unsafe node.pointee.descriptor.exchange(free, ordering: .acquiringAndReleasing) >= 0
    }
  }
}

private let free: Int32 = -1
private let closedByFork: Int32 = -2
nonisolated(unsafe) private let first = unsafe Atomic<UnsafeMutablePointer<Node>?>(nil)

@safe private struct Node: ~Copyable {
  let descriptor: Atomic<Int32>
  var next: UnsafeMutablePointer<Node>?

  init(descriptor: Int32, next: UnsafeMutablePointer<Node>?) {
    self.descriptor = Atomic(descriptor)
    unsafe self.next = next
  }
}

/// Tells the C library of the handler, once in the life of the process.
private let registration: Int32 = pthread_atfork(nil, nil, closeInForkedChild)

private func closeInForkedChild() {
  var next = unsafe first.load(ordering: .acquiring)
  while let node = unsafe next {
    let descriptor = unsafe node.pointee.descriptor.load(ordering: .relaxed)
    if descriptor >= 0 {
      unsafe node.pointee.descriptor.store(closedByFork, ordering: .relaxed)
      close(descriptor)
    }
    unsafe next = node.pointee.next
  }
}
