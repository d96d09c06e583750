import LarderColumns
import LarderEncodings
import LarderFiles

extension Segment {
  /// Verifies every byte: all checksums, without looking at what the values mean.
  ///
  /// - Throws: `corrupt` at the first damage; `unsupportedVersion` for a column of a later version.
  package func verify() throws(LarderError) {
    _ = try entityIndex()
    _ = unsafe try fences()
    for position in footer.columns.indices { try column(at: position).ensureVerified() }
  }

  /// Verifies every byte and whether the rows are what the footer says: sorted, within exact bounds,
  /// with the zone maps and content hashes of their values.
  ///
  /// - Returns: what is wrong; nothing for a sound segment.
  /// - Complexity: O(values); memory for one column.
  package func verifyDeep() -> [LarderError] {
    do throws(LarderError) {
      try verify()
      var findings: [LarderError] = []
      let ids = try decodeIDs(rows: 0..<rows)
      let events = try decodeEvents(rows: 0..<rows)
      let created = try decodeCreated(rows: 0..<rows)
      let context = RowContext(ids: ids, events: events, count: rows)
      try checkTimes(context, created, &findings)
      for position in footer.columns.indices {
        guard case .known(let record) = footer.columns[position] else { continue }
        let values: Column
        switch record.role {
        case .eventTime:
          values = Column(
            type: record.type, count: rows, nullCount: 0, validity: nil, values: events)
        case .createdTime:
          guard let created else { continue }
          values = created
        default: values = try column(at: position).decode(rows: 0..<rows)
        }
        check(record, values, context, &findings)
      }
      return findings
    } catch {
      return [error]
    }
  }

  private func finding(_ message: String, _ column: String? = nil, row: Int? = nil) -> LarderError {
    LarderError(.corrupt, message, file: path, column: column, row: row)
  }

  /// Checks order, bounds and fences.
  private func checkTimes(
    _ context: RowContext, _ created: Column?, _ findings: inout [LarderError]
  ) throws(LarderError) {
    let ids = unsafe context.ids.values(as: UInt32.self)
    let events = unsafe context.events.values(as: Int64.self)
    let fences = unsafe try self.fences()
    let times = unsafe created.map { unsafe $0.fixedValues(as: Int64.self) }
    var minEvent = Int64.max
    var maxEvent = Int64.min
    var bounds: (least: Int64, greatest: Int64)?
    for row in 0..<rows {
      let event = unsafe events[row]
      minEvent = min(minEvent, event)
      maxEvent = max(maxEvent, event)
      if let created, created.isValid(row), let value = unsafe times?[row] {
        let known = bounds ?? (value, value)
        bounds = (min(known.least, value), max(known.greatest, value))
      }
      if row % SegmentLayout.fenceRows == 0, unsafe fences[row / SegmentLayout.fenceRows] != event {
        findings.append(finding("A fence is not its row's event time.", "event time", row: row))
      }
      guard row > 0, unsafe ids[row] == ids[row - 1] else { continue }
      if unsafe event < events[row - 1] {
        findings.append(finding("Event times of one entity fall.", "event time", row: row))
      } else if unsafe event == events[row - 1], let created {
        let before = created.isValid(row - 1) ? unsafe times?[row - 1] : nil
        let here = created.isValid(row) ? unsafe times?[row] : nil
        if let before, here.map({ $0 < before }) ?? true {
          findings.append(finding("Created times of a tie fall.", "created time", row: row))
        }
      }
    }
    if minEvent != footer.minEvent || maxEvent != footer.maxEvent {
      findings.append(finding("The bounds of the event times are not exact.", "event time"))
    }
    if bounds?.least != footer.minCreated || bounds?.greatest != footer.maxCreated
      || created?.nullCount ?? rows != footer.nullCreated
    {
      findings.append(finding("The bounds of the created times are not exact.", "created time"))
    }
  }

  /// Checks a column's content hash, null count and zone maps.
  private func check(
    _ record: ColumnRecord, _ values: Column, _ context: RowContext,
    _ findings: inout [LarderError]
  ) {
    let slots = ColumnSlots(values)
    let hashes = unsafe context.hashes.values(as: UInt64.self)
    var content = ContentHash()
    var zones = [(least: UInt64, greatest: UInt64)](
      repeating: (.max, 0), count: record.pages.count)
    var slot = 0
    let elements = values.sharedElements.map(ElementHashes.init)
    let scalars = ElementHashes(values)
    for row in 0..<values.count {
      guard slots.isValid(row) else {
        content.add(ContentHash.nullBits, row: unsafe hashes[row])
        if slots.mode == .bitmap { slot += 1 }
        continue
      }
      if let elements {
        let offsets = unsafe values.offsets
        let range = unsafe Int(offsets[row])..<Int(offsets[row + 1])
        content.add(elements.bits(of: range), row: unsafe hashes[row])
      } else {
        content.add(scalars.bits(of: row), row: unsafe hashes[row])
        let image = scalars.image(of: row)
        let page = slot / Limits.pageRows
        zones[page].least = min(zones[page].least, image)
        zones[page].greatest = max(zones[page].greatest, image)
      }
      slot += 1
    }
    if content != record.content {
      findings.append(finding("The content hash is not that of the values.", record.name))
    }
    if values.nullCount != record.nulls {
      findings.append(finding("The null count is not that of the values.", record.name))
    }
    for (page, zone) in zones.enumerated()
    where zone.least != record.pages[page].least || zone.greatest != record.pages[page].greatest {
      findings.append(finding("The zone map of page \(page) is not exact.", record.name))
    }
  }
}
