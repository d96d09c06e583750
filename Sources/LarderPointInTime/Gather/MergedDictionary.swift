import LarderColumns
import LarderEncodings
import LarderOffline

/// One dictionary for the texts of several segments, each of which has its own.
struct MergedDictionary: Sendable {
  /// The distinct values.
  let values: Column
  /// For each segment, the code here of each of its codes; nil for segments without the column.
  let codes: [Buffer?]

  /// Entries above which texts are gathered as bytes instead.
  static let entries = 1 << 17

  /// Unites the dictionaries of columns.
  ///
  /// - Parameters:
  ///   - columns: one per segment; nil or all null where there is nothing.
  ///   - type: the feature's type.
  /// - Returns: nil if a column has no dictionary, or all together have too many entries.
  /// - Throws: `limitExceeded` if the distinct values have 2 GiB or more.
  static func unite(
    _ columns: [SegmentColumn?], type: DataType
  ) throws(LarderError) -> MergedDictionary? {
    let present = columns.compactMap(\.self).filter { $0.nullCount < $0.rows }
    guard present.allSatisfy({ $0.dictionary != nil && $0.type == type }) else { return nil }
    let total = present.reduce(0) { $0 + ($1.dictionary?.count ?? 0) }
    guard total <= entries || present.count == 1 else { return nil }
    if present.count == 1, let only = present[0].dictionaryColumn {
      let identity = Buffer(copying: (0..<UInt32(truncatingIfNeeded: only.count)).map(\.self))
      return MergedDictionary(
        values: only, codes: columns.map { $0 === present[0] ? identity : nil })
    }
    var union = TextUnion(type: type)
    var codes: [Buffer?] = []
    for column in columns {
      guard let column, column.nullCount < column.rows, let dictionary = column.dictionary else {
        codes.append(nil)
        continue
      }
      let own = Buffer(uninitializedBytes: dictionary.count * 4)
      let target = Lanes<UInt32>(own)
      for code in 0..<dictionary.count {
        target[code] = unsafe try union.code(of: dictionary.value(of: code))
      }
      codes.append(own)
    }
    return MergedDictionary(values: union.finish(), codes: codes)
  }
}

/// Distinct texts, numbered in the order in which they are first met.
struct TextUnion {
  private var builder: ColumnBuilder
  private var known: [[UInt8]: UInt32] = [:]

  init(type: DataType) { builder = ColumnBuilder(type) }

  /// The number of a text.
  ///
  /// - Throws: `limitExceeded` if the texts have 2 GiB or more.
  mutating func code(of bytes: UnsafeRawBufferPointer) throws(LarderError) -> UInt32 {
    let key = unsafe [UInt8](bytes)
    if let code = known[key] { return code }
    let code = UInt32(truncatingIfNeeded: builder.count)
    try builder.append(bytes: key)
    known[key] = code
    return code
  }

  /// The texts by number.
  consuming func finish() -> Column { builder.finish() }
}
