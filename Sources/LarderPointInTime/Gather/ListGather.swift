import LarderColumns
import LarderEncodings
import LarderOffline

/// The elements of some rows' lists, as they are collected.
struct ElementRun {
  /// The values of fixed width, or the lengths of texts.
  var words: [UInt64] = []
  /// 1 for each element that is not null.
  var valid: [UInt8] = []
  /// The texts' bytes.
  var bytes = ByteRun()
}

/// Gathers the lists of one feature.
struct ListGather {
  /// For each segment the column; nil if the segment was written without it.
  let columns: [SegmentColumn?]
  /// How the elements of each segment are read.
  let elements: GatherSources
  /// Whether elements are texts or bytes.
  let areTexts: Bool

  init(_ columns: [SegmentColumn?], of element: DataType) throws(LarderError) {
    self.columns = columns
    areTexts = element.layout == .variable
    elements = try GatherSources(columns.map { $0?.elements }, as: element)
  }

  /// Appends a match's elements.
  ///
  /// - Returns: how many there are; nil if the list is null.
  /// - Throws: `corrupt` if a page is damaged.
  func append(
    _ segment: Int, _ row: Int, to run: inout ElementRun, _ reader: inout TextReader
  ) throws(LarderError) -> Int? {
    guard let column = columns[segment], unsafe column.validity.isValid(row) else { return nil }
    try column.ensureVerified(rows: row..<row + 1)
    let slot = unsafe column.validity.slot(of: row)
    let start = unsafe Int(column.lanes.lane(at: slot))
    let end = unsafe Int(column.lanes.lane(at: slot + 1))
    guard let values = column.elements else { return 0 }
    try values.ensureVerified(rows: start..<end)
    for element in start..<end {
      if areTexts {
        var length = 0
        let isValid = unsafe try reader.read(values, segment, element) { bytes in
          length = bytes.count
          unsafe run.bytes.append(bytes)
        }
        run.words.append(UInt64(length))
        run.valid.append(isValid ? 1 : 0)
      } else if unsafe values.validity.isValid(element) {
        let slot = unsafe values.validity.slot(of: element)
        unsafe run.words.append(elements.table[segment].bits(slot))
        run.valid.append(1)
      } else {
        run.words.append(0)
        run.valid.append(0)
      }
    }
    return end - start
  }
}
