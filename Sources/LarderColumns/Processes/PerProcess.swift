import Synchronization

/// Something that a process has one of: a forked child gets its own at the first use.
///
/// The parent's may be locked forever by a thread that the child does not have. It is left alone
/// there, its memory with it.
package final class PerProcess<Value: AnyObject & Sendable>: Sendable {
  private final class Place: Sendable {
    let generation = Forks.generation
    let value: Value

    init(_ value: Value) { self.value = value }
  }
  private let place = Atomic<Unmanaged<Place>?>(nil)
  private let make: @Sendable (Value?) -> Value

  /// - Parameter make: makes a process's own; gets the parent's, of which it may use what never
  ///   changes.
  package init(_ make: @escaping @Sendable (Value?) -> Value) { self.make = make }

  /// This process's own.
  package var value: Value {
    var known = unsafe place.load(ordering: .acquiring)
    while true {
      let current = unsafe known?._withUnsafeGuaranteedRef { $0 }
      if let current, current.generation == Forks.generation { return current.value }
      let new = Place(make(current?.value))
      let kept = Unmanaged.passRetained(new)
      let (exchanged, original) = unsafe place.compareExchange(
        expected: known, desired: kept, ordering: .acquiringAndReleasing)
      if exchanged { return new.value }
      unsafe kept.release()
      unsafe known = original
    }
  }
}
