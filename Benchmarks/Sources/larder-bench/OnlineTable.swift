import Glibc
import Larder

/// An online table of int64 keys and ten float64 features, written and read by its public interface.
///
/// Each figure is a JSON line, of the same names as `Benchmarks/online/peers` prints for other
/// engines; checksums are verified with every row that is read.
struct OnlineTable {
  let directory: String
  let keys: Int
  let clock = ContinuousClock()

  static let name = "bench"

  private let view = FeatureView(
    OnlineTable.name, entities: [Entity("customer", joinKeys: [.int64("customer_id")])],
    features: (0..<10).map { Field("f\($0)", .float64) }, eventTimestamp: "at",
    createdTimestamp: "known")

  /// - Parameter arguments: the store's directory, and how many keys.
  init(_ arguments: Arguments) throws {
    directory = try arguments.place(0, "a store")
    guard let keys = Int(try arguments.place(1, "a number of keys")), keys > 0 else {
      throw LarderError(.invalidArgument, "The number of keys is a positive integer.")
    }
    self.keys = keys
  }

  // MARK: Opening

  /// Makes the store.
  func make() throws {
    let store = try FeatureStore(at: directory, access: .create)
    try store.apply(view)
    try store.onlineStore?.update(
      keeping: [view], deleting: [], entitiesToKeep: [], entitiesToDelete: [], partial: true)
    try store.close()
  }

  /// Opens the store for writing; a batch is safe against what `durability` says.
  func open(_ durability: OnlineDurability) throws -> FeatureStore {
    var options = StoreOptions()
    options.onlineDurability = durability
    return try FeatureStore(at: directory, access: .readWrite, options: options)
  }

  func openForReading() throws -> FeatureStore {
    try FeatureStore(at: directory, access: .readOnly)
  }

  /// The folder of the table's files.
  var folder: String { directory + "/online/v1" }

  // MARK: Rows

  /// The key of a number: scrambled, so that neighbours lie apart.
  func key(_ number: Int) -> Int64 {
    Int64(bitPattern: UInt64(number) &* 0x9E37_79B9_7F4A_7C15)
  }

  /// A random number below the number of keys.
  func next(_ word: inout UInt64) -> Int {
    word = word &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(word >> 20) % keys
  }

  /// The rows of some numbers.
  func batch(_ numbers: [Int], event: Int64) throws -> RecordBatch {
    let count = numbers.count
    let time = ColumnField("at", .timestamp(.microseconds))
    var columns = [
      fill(.int64, count) { $0.append(key(numbers[$1])) },
      fill(time.type, count) { builder, _ in builder.append(event) },
      fill(time.type, count) { builder, _ in builder.append(event) },
    ]
    var fields = [
      ColumnField("customer_id", .int64), time, ColumnField("known", time.type),
    ]
    for feature in 0..<10 {
      fields.append(ColumnField("f\(feature)", .float64))
      columns.append(
        fill(.float64, count) { $0.append(Double(numbers[$1] + feature) + Double(event)) })
    }
    return try RecordBatch(schema: Schema(fields), columns: columns, count: count)
  }

  private func fill(
    _ type: DataType, _ count: Int, _ append: (inout ColumnBuilder, Int) -> Void
  ) -> Column {
    var builder = ColumnBuilder(type)
    for row in 0..<count { append(&builder, row) }
    return builder.finish()
  }

  // MARK: Lines

  /// Prints a figure.
  func line(_ what: String, _ value: Double, _ unit: String) {
    let scaled = (value * 1000).rounded() / 1000
    say(
      "{\"engine\": \"Larder\", \"keys\": \(keys), \"what\": \"\(what)\", \"value\": \(scaled), "
        + "\"unit\": \"\(unit)\"}")
  }
}

/// Seconds of processor time of this thread: what is left when others take the machine.
func processorTime() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
