import Glibc
import Larder

/// Times durable commits of 1,000 rows: the median and the slowest of 500.
func timeCommits(_ arguments: Arguments) throws {
  var options = StoreOptions()
  options.fold = .off
  let store = try FeatureStore(
    at: try arguments.place(0, "a store"), access: .create, options: options)
  try store.apply(
    FeatureView(
      "events", entities: [Entity("user", joinKeys: [.int64("user_id")])],
      eventTimestamp: "event_timestamp"
    ) {
      Field("clicks", .int64)
      Field("score", .float64)
      Field("active", .bool)
      Field("plan", .string)
    })
  let rows = 1_000
  var random = SystemRandomNumberGenerator()
  var times: [Double] = []
  for commit in 0..<500 {
    let base = arguments.has("--new-keys") ? Int64(commit * rows) : 0
    let batch = try RecordBatch([
      "user_id": .int64((0..<rows).map { base + Int64($0) }),
      "event_timestamp": .timestamp((0..<rows).map { Int64(commit * rows + $0) * 1_000 }),
      "clicks": .int64((0..<rows).map { _ in Int64.random(in: 0..<100, using: &random) }),
      "score": .float64((0..<rows).map { _ in Double.random(in: 0..<1, using: &random) }),
      "active": .bool((0..<rows).map { $0 % 3 == 0 }),
      "plan": try .string((0..<rows).map { ["free", "basic", "pro"][$0 % 3] }),
    ])
    times.append(seconds(try ContinuousClock().measure { try store.append(batch, to: "events") }))
  }
  times.sort()
  say("{\"median\": \(times[250]), \"p99\": \(times[495]), \"most\": \(times[499])}")
}
