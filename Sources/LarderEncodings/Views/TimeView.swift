/// The event times of a segment, read in place: fences and differences from them.
///
/// Valid while the segment it came from lives; pages must be verified before their rows are
/// touched, fences are verified when the view is made.
@safe package struct TimeView: @unchecked Sendable {
  /// The exact event time of each row that is a multiple of 64.
  package let fences: UnsafePointer<Int64>
  /// event time = fence of the row's 64 + lane.
  package let lanes: PackedView

  package init(fences: UnsafePointer<Int64>, lanes: PackedView) {
    unsafe self.fences = fences
    self.lanes = lanes
  }

  /// How many rows there are.
  @inlinable package var count: Int { lanes.count }

  /// The event time of a row.
  @inlinable @unsafe package func time(at row: Int) -> Int64 {
    unsafe fences[row &>> 6] &+ lanes.lane(at: row)
  }

  /// The event time of a row where `lanes.traits` is empty: no branch.
  @inlinable @unsafe package func plainTime(at row: Int) -> Int64 {
    unsafe fences[row &>> 6] &+ lanes.plainLane(at: row)
  }
}

/// The created times of a segment, read in place: differences from the event times.
///
/// Valid while the segment it came from lives; pages of it and of the event times must be verified
/// before their rows are touched.
@safe package struct CreatedView: @unchecked Sendable {
  /// created time = event time + lane.
  package let lanes: PackedView
  /// Which rows have a created time.
  package let validity: ValidityView
  /// The event times.
  package let events: TimeView

  package init(lanes: PackedView, validity: ValidityView, events: TimeView) {
    self.lanes = lanes
    self.validity = validity
    self.events = events
  }

  /// The created time of a row, or nil.
  @inlinable @unsafe package func time(at row: Int) -> Int64? {
    guard unsafe validity.isValid(row) else { return nil }
    return unsafe events.time(at: row) &+ lanes.lane(at: validity.slot(of: row))
  }
}
