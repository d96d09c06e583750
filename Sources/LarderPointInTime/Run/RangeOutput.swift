import LarderColumns
import LarderContract

/// The columns that a run fills in for a range of spine rows.
struct RangeOutput: Sendable {
  /// The spine rows.
  let rows: Range<Int>
  /// For each column of the result, its part; nil for columns of the spine.
  let columns: [OutputColumn?]
  /// For each source and each of its features, its column.
  let features: [[OutputColumn]]
  /// For each source, its matched event times, if they were asked for.
  let eventTimes: [OutputColumn?]
  /// For each source, its statuses, if they were asked for.
  let statuses: [OutputColumn?]

  init(_ join: PreparedJoin, rows: Range<Int>, budget: MemoryBudget) {
    let query = join.plan.query
    self.rows = rows
    var columns: [OutputColumn?] = []
    var features = query.sources.map {
      [OutputColumn?](repeating: nil, count: $0.features.count)
    }
    var eventTimes = [OutputColumn?](repeating: nil, count: query.sources.count)
    var statuses = eventTimes
    for (output, field) in zip(query.outputs, query.schema.fields) {
      switch output {
      case .spine: columns.append(nil)
      case .feature(let source, let ordinal):
        var dictionary: Column?
        if case .codes(_, let union) = join.sources[source].features[ordinal] {
          dictionary = union.values
        }
        let column = OutputColumn(
          field.type, rows: rows.count, dictionary: dictionary, budget: budget)
        features[source][ordinal] = column
        columns.append(column)
      case .eventTime(let source):
        let column = OutputColumn(field.type, rows: rows.count)
        eventTimes[source] = column
        columns.append(column)
      case .status(let source):
        let column = OutputColumn(.string, rows: rows.count, dictionary: statusNames)
        statuses[source] = column
        columns.append(column)
      }
    }
    self.columns = columns
    self.features = features.map { $0.compactMap(\.self) }
    self.eventTimes = eventTimes
    self.statuses = statuses
  }

  /// Bytes that the fixed parts of a range's columns take.
  static func bytes(_ query: ResolvedQuery, rows: Int) -> Int {
    var total = 0
    for (output, field) in zip(query.outputs, query.schema.fields) {
      if case .spine = output { continue }
      total += OutputColumn.valueBytes(field.type, rows, isCoded: false) + (rows + 63) / 64 * 8
    }
    return total
  }
}

/// The names of statuses, by code.
let statusNames: Column = {
  var builder = ColumnBuilder(.string)
  for status in RetrievalStatus.allCases {
    do throws(LarderError) { try builder.append(status.rawValue) } catch { builder.appendNull() }
  }
  return builder.finish()
}()

/// The code of a status in `statusNames`.
enum StatusCode {
  static let present: UInt32 = 0
  static let noEntity: UInt32 = 1
  static let onlyLater: UInt32 = 2
  static let expired: UInt32 = 3
  static let notYetKnown: UInt32 = 4
}
