import Larder
import Testing

/// Runs `Example.swift`, which is the first Swift block of README.md word for word.
@Suite struct ExampleTests {
  @Test func readmeExampleGivesWhatItSays() throws {
    let directory = "/tmp/larder-example-\(UInt64.random(in: 0 ... .max))"
    let rows = try trainingRows(in: directory)
    let names = ["driver_id", "event_timestamp", "conv_rate", "trips_today"]
    #expect(rows.schema.fields.map(\.name) == names)
    let rates: [Value] = [.float32(0.25), .float32(0.5), .null, .null]
    #expect((0..<4).map { rows.columns[2][$0] } == rates)
    let trips: [Value] = [.int64(3), .int64(4), .null, .null]
    #expect((0..<4).map { rows.columns[3][$0] } == trips)
  }
}
