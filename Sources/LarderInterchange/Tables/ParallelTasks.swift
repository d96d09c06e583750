import LarderColumns
import LarderFiles
import Synchronization

/// Runs tasks on some threads and gives their results in the tasks' order.
///
/// Tasks are handed out one by one, so uneven ones balance. If tasks fail, the error of the first
/// in order among those that ran is thrown, and no new task starts.
///
/// - Parameters:
///   - count: how many tasks.
///   - threads: how many may run at once; 1 runs them here.
///   - body: gets the task's number and its thread's, 0 up to `threads`.
func performTasks<Output: Sendable>(
  _ count: Int, threads: Int,
  _ body: @Sendable (_ task: Int, _ worker: Int) throws(LarderError) -> Output
) throws(LarderError) -> [Output] {
  let workers = min(threads, count)
  guard workers > 1 else {
    var outputs: [Output] = []
    for task in 0..<count { outputs.append(try body(task, 0)) }
    return outputs
  }
  let next = Atomic<Int>(0)
  let results = ForkSafeMutex([Result<Output, LarderError>?](repeating: nil, count: count))
  concurrently(workers) { worker in
    while true {
      let task = next.add(1, ordering: .relaxed).oldValue
      if task >= count { return }
      do throws(LarderError) {
        let output = try body(task, worker)
        results.withLock { $0[task] = .success(output) }
      } catch {
        results.withLock { $0[task] = .failure(error) }
        next.store(count, ordering: .relaxed)
      }
    }
  }
  let done = results.withLock { $0 }
  for case .failure(let error)? in done { throw error }
  var outputs: [Output] = []
  for case .success(let output)? in done { outputs.append(output) }
  return outputs
}
