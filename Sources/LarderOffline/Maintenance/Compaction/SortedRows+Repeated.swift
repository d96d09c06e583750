import LarderColumns

extension SortedRows {
  /// The rows without those that the next one repeats in id, event and created time: of equal ones
  /// the last stays, which wins.
  ///
  /// - Parameter created: the created times of the source; nil if the view has none.
  /// - Returns: what stays, and the source's numbers of the rows that go.
  func withoutRepeated(created: Column?) -> (kept: SortedRows, dropped: [UInt32]) {
    let ids = unsafe self.ids.values(as: UInt32.self)
    let events = unsafe self.events.values(as: Int64.self)
    let rows = unsafe self.rows.values(as: UInt32.self)
    let times = unsafe created.map { unsafe $0.fixedValues(as: Int64.self) }
    func createdTime(_ index: Int) -> Int64? {
      guard let created else { return nil }
      let row = unsafe Int(rows[index])
      return created.isValid(row) ? unsafe times?[row] : nil
    }
    var keptIDs: [UInt32] = []
    var keptEvents: [Int64] = []
    var keptRows: [UInt32] = []
    var dropped: [UInt32] = []
    for index in 0..<count {
      let isRepeated =
        unsafe index + 1 < count && ids[index] == ids[index + 1]
        && events[index] == events[index + 1] && createdTime(index) == createdTime(index + 1)
      if isRepeated {
        unsafe dropped.append(rows[index])
      } else {
        unsafe keptIDs.append(ids[index])
        unsafe keptEvents.append(events[index])
        unsafe keptRows.append(rows[index])
      }
    }
    let kept = SortedRows(
      count: keptRows.count, rows: Buffer(copying: keptRows), ids: Buffer(copying: keptIDs),
      events: Buffer(copying: keptEvents))
    return (kept, dropped)
  }
}
