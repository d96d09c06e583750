import LarderColumns
import LarderFiles
import Synchronization

/// Runs numbered tasks on several threads, or in order on this one.
///
/// - Parameters:
///   - count: tasks are numbered 0 ..< count.
///   - threads: 1 runs them in order here, so that a simulation is the same every time.
/// - Throws: the error of the lowest task that failed; all tasks have ended by then.
func runTasks(
  _ count: Int, threads: Int, _ task: @Sendable (Int) throws(LarderError) -> Void
) throws(LarderError) {
  let workers = min(count, threads)
  guard workers > 1 else {
    for index in 0..<count { try task(index) }
    return
  }
  let next = Atomic(0)
  let failure = ForkSafeMutex<(index: Int, error: LarderError)?>(nil)
  concurrently(workers) { _ in
    while true {
      let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard index < count, failure.withLock({ $0 == nil }) else { return }
      do throws(LarderError) { try task(index) } catch {
        failure.withLock { found in
          if found?.index ?? .max > index { found = (index, error) }
        }
      }
    }
  }
  if let failed = failure.withLock({ $0 }) { throw failed.error }
}

/// How many threads to use: as many as asked for, or all cores.
func threadCount(_ wanted: Int?) -> Int { max(1, wanted ?? .availableCores) }

/// How many threads to use for work on so many values: one where waking another costs as much.
func threadCount(_ wanted: Int?, values: Int) -> Int {
  // Some ten nanoseconds a value; a thread is awake after some fifty microseconds.
  values < 1 << 15 ? 1 : threadCount(wanted)
}
