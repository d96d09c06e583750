import LarderColumns

/// Puts rows of one id and event time in the order of created time, none first; those of one created
/// time stay as they came.
///
/// A view that is loaded at once, or has whole days as its times, may hold nothing but ties. So each
/// row's time is looked up once, by its address, and what is compared lies in the items themselves.
@safe struct TieOrder: @unchecked Sendable {
  /// Where the created times of a batch lie.
  @safe private struct Part {
    let times: UnsafePointer<Int64>?
    /// Nil if no time is null.
    let validity: UnsafePointer<UInt8>?
    /// Of the bitmap, in bits.
    let offset: Int
  }

  /// Keeps the addresses good.
  private let created: BatchedColumn
  private let parts: [Part]

  init(_ created: BatchedColumn) {
    self.created = created
    parts = created.parts.map { column in
      let bitmap = column.nullCount > 0 ? column.validity : nil
      return unsafe Part(
        times: column.fixedValues(as: Int64.self).baseAddress,
        validity: bitmap.map { unsafe UnsafePointer($0.base.assumingMemoryBound(to: UInt8.self)) },
        offset: column.offset)
    }
  }

  /// Orders the ties among rows that are sorted by id and event time.
  ///
  /// - Complexity: O(rows), and a sort of each tie whose created times are not in order.
  func order(
    _ items: UnsafeMutableBufferPointer<SortItem>, with sorter: inout RunSorter
  ) throws(LarderError) {
    var first = 0
    while first < items.count {
      let (event, id) = unsafe (items[first].event, items[first].id)
      var end = first + 1
      while unsafe end < items.count && items[end].event == event && items[end].id == id {
        end += 1
      }
      if end - first > 1 {
        // The items are sorted by another pair for a while: whether there is a time, and the time.
        for index in first..<end {
          let time = unsafe time(of: Int(items[index].row))
          unsafe items[index].event = time ?? 0
          unsafe items[index].id = time == nil ? 0 : 1
        }
        unsafe try sorter.sort(UnsafeMutableBufferPointer(rebasing: items[first..<end]))
        for index in first..<end {
          unsafe items[index].event = event
          unsafe items[index].id = id
        }
      }
      first = end
    }
  }

  /// The created time of a row, counted through all batches; nil for null.
  func time(of row: Int) -> Int64? {
    var place = row
    var batch = 0
    if parts.count > 1 {
      batch = created.numbering.batch(of: row)
      place -= Int(created.numbering.starts[batch])
    }
    let part = parts[batch]
    if let validity = unsafe part.validity {
      let bit = place + part.offset
      if unsafe validity[bit >> 3] >> UInt8(bit & 7) & 1 == 0 { return nil }
    }
    return unsafe part.times?[place]
  }
}
