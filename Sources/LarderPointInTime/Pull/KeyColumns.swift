import LarderColumns
import LarderKeys

/// Turns entity ids back into the columns of their join keys.
struct KeyColumns {
  private let keys: KeyDirectory
  private var builders: [ColumnBuilder]

  init(_ keys: KeyDirectory) {
    self.keys = keys
    builders = keys.schema.columns.map { ColumnBuilder($0.type.dataType) }
  }

  /// Appends the key of an id a number of times.
  ///
  /// - Throws: `corrupt` if the key log does not hold; `limitExceeded` if a column has 2 GiB or more.
  mutating func append(_ id: UInt32, times: Int) throws(LarderError) {
    guard let tail = unsafe try keys.log.tail(of: id) else {
      for index in builders.indices { for _ in 0..<times { builders[index].appendNull() } }
      return
    }
    let ranges = unsafe try keys.schema.values(ofTail: tail)
    for (index, range) in ranges.enumerated() {
      let bytes = unsafe UnsafeRawBufferPointer(rebasing: tail[range])
      switch keys.schema.columns[index].type {
      case .string, .bytes:
        let value = unsafe Array(bytes)
        for _ in 0..<times { try builders[index].append(bytes: value) }
      case .int32:
        let value = unsafe bytes.loadUnaligned(as: Int32.self)
        for _ in 0..<times { builders[index].append(value) }
      case .int64, .timestamp:
        let value = unsafe bytes.loadUnaligned(as: Int64.self)
        for _ in 0..<times { builders[index].append(value) }
      }
    }
  }

  /// The columns, in the schema's order.
  consuming func finish() -> [Column] { builders.map { $0.finish() } }
}
