import Larder

/// Makes a store, adds history to it, and asks what was known at two moments.
func trainingRows(in directory: String) throws -> RecordBatch {
  let store = try FeatureStore(at: directory, access: .create)
  let driver = Entity("driver", joinKeys: [.int64("driver_id")])
  try store.apply(
    FeatureView(
      "driver_stats", entities: [driver], timeToLive: .seconds(172_800),
      eventTimestamp: "event_timestamp", createdTimestamp: "created"
    ) {
      Field("conv_rate", .float32)
      Field("trips_today", .int64)
    })

  let noon = try Timestamp(iso8601: "2026-03-01T12:00:00Z")
  let history = try RecordBatch([
    "driver_id": .int64([1001, 1001, 1002]),
    "event_timestamp": .timestamp([noon.ticks, noon.ticks + 3_600_000_000, noon.ticks]),
    "created": .timestamp([nil, nil, nil]),
    "conv_rate": .float32([0.25, 0.5, 0.75]),
    "trips_today": .int64([3, 4, nil]),
  ])
  try store.append(history, to: "driver_stats")  // durable when it returns

  let spine = try RecordBatch([
    "driver_id": .int64([1001, 1001, 1002, 1003]),
    "event_timestamp": .timestamp([
      noon.ticks + 60_000_000, noon.ticks + 7_200_000_000, noon.ticks - 1, noon.ticks,
    ]),
  ])
  let job = try store.historicalFeatures(
    for: spine, features: ["driver_stats:conv_rate", "driver_stats:trips_today"])
  print(try job.explain())
  return try job.collect()  // conv_rate: 0.25, 0.5, null, null
}
