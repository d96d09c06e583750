import LarderColumns
import LarderContract

/// The partitions of one width: half-open ranges of UTC time, here as closed ranges of ticks.
struct PartitionCalendar: Sendable, Hashable {
  let unit: TimeUnit
  /// Not `auto`.
  let width: PartitionWidth

  /// The partition that a time lies in, clamped to Int64.
  func range(containing time: Int64) -> ClosedRange<Int64> {
    let slot = PartitionSlots.floorDivide(time, ticksPerSlot)
    return range(
      from: PartitionSlots.start(of: slot, width), to: PartitionSlots.end(of: slot, width))
  }

  /// The ticks of a half-open range of slots, which are hours or days.
  func range(from start: Int64, to end: Int64) -> ClosedRange<Int64> {
    let lower = PartitionSlots.clamped(start, ticksPerSlot)
    let upper = PartitionSlots.clamped(end, ticksPerSlot)
    return lower...(upper == .max ? .max : max(lower, upper - 1))
  }

  private var ticksPerSlot: Int64 { (width == .hour ? 3_600 : 86_400) * unit.ticksPerSecond }

  /// The name of the partition that starts at a time: `2026`, `2026-03`, `2026-03-05` or
  /// `2026-03-05T14`.
  func name(at start: Int64) -> String {
    let seconds = PartitionSlots.floorDivide(start, unit.ticksPerSecond)
    let days = PartitionSlots.floorDivide(seconds, 86_400)
    let date = CivilDate(days: days)
    let year = Self.digits(date.year, 4)
    let month = "\(year)-\(Self.digits(date.month, 2))"
    let day = "\(month)-\(Self.digits(date.day, 2))"
    return switch width {
    case .year, .auto: year
    case .month: month
    case .day: day
    case .hour: "\(day)T\(Self.digits((seconds - days * 86_400) / 3_600, 2))"
    }
  }

  private static func digits(_ value: Int64, _ count: Int) -> String {
    let text = String(value.magnitude)
    let zeros = String(repeating: "0", count: max(0, count - text.utf8.count))
    return (value < 0 ? "-" : "") + zeros + text
  }

  /// The partition of a name, and its calendar.
  ///
  /// - Throws: `invalidArgument` for a name that is none.
  static func named(
    _ name: String, unit: TimeUnit
  ) throws(LarderError) -> (calendar: PartitionCalendar, range: ClosedRange<Int64>) {
    var numbers: [Int64] = []
    let parts = name.split(omittingEmptySubsequences: false) { $0 == "-" || $0 == "T" }
    for part in parts {
      let isNumber = part.utf8.allSatisfy { (0x30...0x39).contains($0) }
      guard isNumber, part.utf8.count <= 4, let number = Int64(part) else { break }
      numbers.append(number)
    }
    let widths: [PartitionWidth] = [.year, .month, .day, .hour]
    guard numbers.count == parts.count, (1...4).contains(parts.count),
      parts.first?.utf8.count == 4, parts.dropFirst().allSatisfy({ $0.utf8.count == 2 })
    else { throw refusal(name) }
    let date = CivilDate(
      year: numbers[0], month: numbers.count > 1 ? numbers[1] : 1,
      day: numbers.count > 2 ? numbers[2] : 1)
    let calendar = PartitionCalendar(unit: unit, width: widths[numbers.count - 1])
    let hour = numbers.count > 3 ? numbers[3] : 0
    // A month 13 or a day 31 of February comes out as another date.
    guard (1...12).contains(date.month), (1...31).contains(date.day), (0...23).contains(hour),
      CivilDate(days: date.days) == date
    else { throw refusal(name) }
    let slot = calendar.width == .hour ? date.days * 24 + hour : date.days
    let range = calendar.range(
      from: PartitionSlots.start(of: slot, calendar.width),
      to: PartitionSlots.end(of: slot, calendar.width))
    return (calendar, range)
  }

  private static func refusal(_ name: String) -> LarderError {
    LarderError(
      .invalidArgument,
      "\"\(name)\" is not a partition; write a year, month, day or hour of UTC: 2026, 2026-03, "
        + "2026-03-05, 2026-03-05T14, or all.")
  }
}
