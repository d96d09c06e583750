import Glibc
import LarderColumns
import LarderContract
import LarderFiles
import LarderOffline
import LarderPointInTime
import TestSupport

/// A workload in a store on disk, and its spine.
struct BenchStore {
  let name: String
  let store: Store
  let spine: RecordBatch
  private let root: String
  private let isKept: Bool

  /// Fills a store, or opens the one that an earlier run left in `LARDER_BENCH_STORE`.
  init(_ shape: Workload.Shape, _ size: Workload.Size) throws {
    name = "\(shape.rawValue)_\(size.rawValue)"
    isKept = setting("LARDER_BENCH_STORE") != nil
    root =
      "\(setting("LARDER_BENCH_STORE") ?? "/tmp")/larder-bench-\(isKept ? name : "\(getpid())")"
    let files = POSIXFileSystem()
    let spinePath = "\(root).spine"
    let isThere = try files.status(of: spinePath) != nil
    let store = try Store.open(root, access: isThere ? .readOnly : .create, host: .system())
    self.store = store
    if !isThere { store.add(TimelineBuilder()) }
    if isThere {
      spine = try BenchStore.read(spinePath, store.snapshot().catalog.views)
    } else {
      let workload = try Workload(shape, size)
      try store.apply(Definitions(featureViews: workload.views))
      let ingest = try ContinuousClock().measure {
        for (view, rows) in zip(workload.views, workload.history) {
          try store.append([rows], to: view.name)
        }
      }
      print("\(name): ingest \(ingest)")
      let rows = setting("LARDER_BENCH_SPINE").flatMap { Int($0) } ?? workload.spine.count
      spine = workload.spine.slice(0..<min(rows, workload.spine.count))
      if isKept, shape != .text { try BenchStore.write(workload.spine, spinePath) }
    }
  }

  /// Removes what is not to be kept.
  func remove() {
    if !isKept { removeTree(root) }
  }

  /// Spines whose columns are all of 8 bytes, as they lie in memory.
  private static func write(_ spine: RecordBatch, _ path: String) throws {
    let file = try POSIXFileSystem().open(path, .create)
    for (index, column) in spine.columns.enumerated() {
      let bytes = UnsafeRawBufferPointer(column.fixedValues(as: Int64.self))
      try file.write(bytes, at: UInt64(index * spine.count * 8))
    }
  }

  private static func read(_ path: String, _ views: [Catalog.View]) throws -> RecordBatch {
    let file = try POSIXFileSystem().open(path, .read)
    let keys = Set(views.flatMap { $0.definition.joinKeys.map(\.name) }).sorted()
    let names = ["row_id"] + keys + ["event_timestamp"]
    let count = Int(try file.status().bytes) / 8 / names.count
    var fields: [ColumnField] = []
    var columns: [Column] = []
    let rows = min(count, setting("LARDER_BENCH_SPINE").flatMap { Int($0) } ?? count)
    for (index, name) in names.enumerated() {
      let buffer = Buffer(uninitializedBytes: rows * 8)
      _ = try file.read(into: buffer.mutableBytes, at: UInt64(index * count * 8))
      let type: DataType = index == names.count - 1 ? .timestamp(.microseconds) : .int64
      fields.append(ColumnField(name, type))
      columns.append(
        Column(type: type, count: rows, nullCount: 0, validity: nil, values: buffer))
    }
    return try RecordBatch(schema: Schema(fields), columns: columns)
  }
}

private func removeTree(_ path: String) {
  let files = POSIXFileSystem()
  guard let names = try? files.names(in: path) else { return }
  for name in names {
    let child = "\(path)/\(name)"
    if (try? files.status(of: child)?.kind) == .directory {
      removeTree(child)
    } else {
      _ = try? files.remove(child)
    }
  }
  _ = try? files.removeDirectory(path)
}
