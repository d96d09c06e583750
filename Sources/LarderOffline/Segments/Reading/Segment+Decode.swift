import CLarderKernels
import Glibc
import LarderColumns
import LarderEncodings

extension Segment {
  /// The values of a feature for a run of rows; all null if the segment was written without it.
  ///
  /// - Parameters:
  ///   - fieldID: the feature.
  ///   - range: rows of the segment.
  ///   - type: the type the feature has now.
  /// - Throws: `corrupt`; `unsupportedVersion` for a column of a later version;
  ///   `incompatibleDefinition` if the type cannot be widened so.
  package func decode(
    fieldID: UInt32, rows range: Range<Int>, as type: DataType
  ) throws(LarderError) -> Column {
    guard let column = try column(fieldID: fieldID) else {
      return Column.nulls(of: type, count: range.count)
    }
    return try column.decode(rows: range, as: type)
  }

  /// The entity ids of a run of rows: UInt32 each.
  package func decodeIDs(rows range: Range<Int>) throws(LarderError) -> Buffer {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows)
    let index = try entityIndex()
    let buffer = Buffer(uninitializedBytes: range.count * 4)
    let target = unsafe buffer.base.assumingMemoryBound(to: UInt32.self)
    var run = unsafe index.run(containing: range.lowerBound)
    var row = range.lowerBound
    while row < range.upperBound {
      let end = unsafe min(range.upperBound, Int(index.starts[run + 1]))
      let id = unsafe index.ids[run]
      while row < end {
        unsafe target[row - range.lowerBound] = id
        row += 1
      }
      run += 1
    }
    return buffer
  }

  /// The event times of a run of rows: Int64 each, in the segment's unit.
  package func decodeEvents(rows range: Range<Int>) throws(LarderError) -> Buffer {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows)
    try eventColumn().ensureVerified(rows: range)
    let buffer = Buffer(uninitializedBytes: range.count * 8)
    unsafe try eventTimes().decode(range, into: buffer.base.assumingMemoryBound(to: Int64.self))
    return buffer
  }

  /// The created times of a run of rows; nil if the view has none.
  package func decodeCreated(rows range: Range<Int>) throws(LarderError) -> Column? {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows)
    guard let column = try createdColumn() else { return nil }
    try column.ensureVerified(rows: range)
    let events = try decodeEvents(rows: range)
    let valid = column.decodeValidity(range)
    let values = column.decodeSlots(range)
    unsafe larder_add_lanes(
      values.base.assumingMemoryBound(to: Int64.self),
      events.base.assumingMemoryBound(to: Int64.self), range.count)
    return Column(
      type: .timestamp(unit), count: range.count, nullCount: valid?.nulls ?? 0,
      validity: valid?.bits, values: values)
  }
}

extension TimeView {
  /// Decodes the event times of rows whose pages are verified.
  ///
  /// - Parameter target: room for as many values as there are rows.
  @unsafe package func decode(_ range: Range<Int>, into target: UnsafeMutablePointer<Int64>) {
    unsafe withUnsafeTemporaryAllocation(of: Int64.self, capacity: 1_024) { scratch in
      guard let partial = scratch.baseAddress else { return }
      var row = range.lowerBound
      while row < range.upperBound {
        let vector = row >> 10
        let first = vector << 10
        let count = lanes.laneCount(inVector: vector)
        let end = min(range.upperBound, first + count)
        let isWhole = row == first && end - first == count
        let place = unsafe isWhole ? target + (row - range.lowerBound) : partial
        unsafe lanes.decode(vector: vector, into: place)
        unsafe larder_add_fences(place, first, count, fences)
        if !isWhole {
          unsafe memcpy(
            target + (row - range.lowerBound), partial + (row - first), (end - row) * 8)
        }
        row = end
      }
    }
  }
}

extension EntityIndexView {
  /// The ordinal of the run that a row lies in.
  ///
  /// - Complexity: O(log entities).
  @unsafe package func run(containing row: Int) -> Int {
    var low = 0
    var high = count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if unsafe Int(starts[middle]) <= row { low = middle } else { high = middle - 1 }
    }
    return low
  }

  /// The rows of an id; nil if it is not there.
  ///
  /// - Complexity: O(log entities).
  package func rows(of id: UInt32) -> Range<Int>? {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if unsafe ids[middle] < id { low = middle + 1 } else { high = middle }
    }
    guard low < count, unsafe ids[low] == id else { return nil }
    return unsafe Int(starts[low])..<Int(starts[low + 1])
  }
}
