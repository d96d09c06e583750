import CLarderKernels
import Synchronization

/// A value that one thread at a time uses, in a forked child too.
///
/// The mutex of Swift's library keeps the number of the thread that holds it, which every thread asks for
/// once in its life. In a forked child the number is one of the parent's: as soon as two of the
/// child's threads meet, the kernel refuses, and the process ends. Here the word only says whether
/// somebody holds it. What another thread of the parent held at the fork stays held in the child;
/// see `PerProcess`.
///
/// It is not recursive, and wakes those that wait in no order.
///
/// Three states of a word, after Drepper, "Futexes Are Tricky".
@safe package struct ForkSafeMutex<Value: ~Copyable>: ~Copyable {
  private enum State {
    static var free: UInt32 { 0 }
    static var held: UInt32 { 1 }
    /// Somebody may wait.
    static var awaited: UInt32 { 2 }
  }

  /// The word, and behind it the value.
  private let base: UnsafeMutableRawPointer
  private static var valueOffset: Int { max(8, MemoryLayout<Value>.alignment) }

  private var word: UnsafeMutablePointer<Atomic<UInt32>> {
    unsafe base.assumingMemoryBound(to: Atomic<UInt32>.self)
  }
  private var value: UnsafeMutablePointer<Value> {
    unsafe (base + Self.valueOffset).assumingMemoryBound(to: Value.self)
  }

  /// Takes a value in.
  package init(_ value: consuming sending Value) {
    unsafe base = .allocate(
      byteCount: Self.valueOffset + max(1, MemoryLayout<Value>.size),
      alignment: max(16, MemoryLayout<Value>.alignment))
    unsafe base.initializeMemory(as: UInt32.self, to: State.free)
    unsafe self.value.initialize(to: value)
  }

  deinit {
    unsafe value.deinitialize(count: 1)
    unsafe base.deallocate()
  }

  /// Calls a closure with the value while nobody else has it.
  ///
  /// - Complexity: two exchanges of a word where nobody else holds it.
  package borrowing func withLock<Result: ~Copyable, Failure: Error>(
    _ body: (inout sending Value) throws(Failure) -> sending Result
  ) throws(Failure) -> sending Result {
    lock()
    defer { unlock() }
    return try unsafe body(&value.pointee)
  }

  @inline(__always) private borrowing func lock() {
    let (isFree, _) = unsafe word.pointee.compareExchange(
      expected: State.free, desired: State.held, successOrdering: .acquiring,
      failureOrdering: .relaxed)
    if !isFree { lockSlow() }
  }

  private borrowing func lockSlow() {
    // Most are held for less time than the kernel takes.
    for _ in 0..<64 {
      if unsafe word.pointee.load(ordering: .relaxed) == State.free {
        let (isFree, _) = unsafe word.pointee.weakCompareExchange(
          expected: State.free, desired: State.held, successOrdering: .acquiring,
          failureOrdering: .relaxed)
        if isFree { return }
      }
    }
    while unsafe word.pointee.exchange(State.awaited, ordering: .acquiring) != State.free {
      unsafe larder_futex_wait(base.assumingMemoryBound(to: UInt32.self), State.awaited)
    }
  }

  @inline(__always) private borrowing func unlock() {
    if unsafe word.pointee.exchange(State.free, ordering: .releasing) == State.awaited {
      unsafe larder_futex_wake(base.assumingMemoryBound(to: UInt32.self))
    }
  }
}

extension ForkSafeMutex: @unchecked Sendable where Value: ~Copyable {}
