import Larder
import LarderColumns
import LarderContract

/// An answer as Feast's servers send it: the `results` of `GetOnlineFeaturesResponse`, in the wire
/// format of protocol buffers, which Python's library reads some ten times faster than it makes them.
///
/// A feature is a `FeatureVector` {1: values, 2: statuses, 3: event times}, a value a `Value` with
/// the one field of its type.
struct FeatureVectors {
  private(set) var wire = WireWriter()

  /// The field of `results`.
  private static let results = 2
  /// Feast's statuses.
  private static let (present, notFound) = (UInt8(1), UInt8(3))

  /// Makes the messages of an answer.
  ///
  /// - Parameters:
  ///   - answer: the features, behind the caller's columns.
  ///   - query: what was asked, with the field of `Value` for each feature; 0 for a feature whose
  ///     values are such messages already.
  ///   - keys: how many columns are the caller's.
  /// - Throws: `invalidArgument` if the fields are not one for each feature, or not what a message
  ///   can have; `unsupported` for a type that `Value` has no field for.
  init(
    _ answer: OnlineFeatures, of query: OnlineQuery, keys: Int
  ) throws(LarderError) {
    let columns = answer.rows.columns.dropFirst(keys)
    guard let fields = query.valueFields, fields.count == columns.count,
      query.standing.features.count == columns.count
    else {
      throw LarderError(
        .invalidArgument,
        "\"valueFields\" names a field for each feature, and features are named one by one: there "
          + "are \(query.valueFields?.count ?? 0) for \(columns.count).")
    }
    var views: [String: (absent: [Bool], tail: [UInt8])] = [:]
    for view in answer.views {
      let absent = view.statuses.map {
        $0 == .notFound || ($0 == .outsideMaxAge && !query.standing.options.includeExpired)
      }
      views[view.name] = (absent, Self.tail(view.eventTimes, absent))
    }
    var vector = WireWriter()
    for ((column, field), reference) in zip(zip(columns, fields), query.standing.features) {
      guard let view = views[reference.view] else {
        throw LarderError(.corrupt, "The view \"\(reference.view)\" was asked and did not answer.")
      }
      try Self.check(field, of: reference, column.type)
      vector.removeAll()
      try vector.append(values: column, absent: view.absent, field: field)
      wire.head(field: Self.results, length: vector.count + view.tail.count)
      wire.append(vector.bytes)
      wire.append(view.tail)
    }
  }

  /// The greatest number that a field of a message has.
  private static let lastField = 1 << 29 - 1

  private static func check(
    _ field: Int, of reference: FeatureReference, _ type: DataType
  ) throws(LarderError) {
    guard field <= lastField else {
      throw LarderError(
        .invalidArgument,
        "\"valueFields\" has \(field) for \(reference); fields are 0 to \(lastField).")
    }
    if field == 0, type.layout != .variable {
      throw LarderError(
        .invalidArgument,
        "\"valueFields\" has 0 for \(reference), which holds \(type) and no messages.")
    }
  }

  /// What all vectors of a view end with: statuses and event times.
  private static func tail(_ times: Column, _ absent: [Bool]) -> [UInt8] {
    var tail = WireWriter()
    tail.head(field: 2, length: absent.count)
    tail.append(absent.map { $0 ? notFound : present })
    let unit: TimeUnit = if case .timestamp(let unit) = times.type { unit } else { .microseconds }
    let ticks = unsafe times.fixedValues(as: Int64.self)
    var time = WireWriter()
    for row in absent.indices {
      time.removeAll()
      if !absent[row], times.isValid(row) {
        let (seconds, rest) = unsafe ticks[row].flooredDivision(by: unit.ticksPerSecond)
        time.append(field: 1, varint: UInt64(bitPattern: seconds))
        time.append(field: 2, varint: UInt64(rest &* unit.nanosecondsPerTick))
      }
      tail.head(field: 3, length: time.count)
      tail.append(time.bytes)
    }
    return tail.bytes
  }
}

extension WireWriter {
  /// The `values` of a feature vector.
  ///
  /// - Throws: `unsupported` for a type that `Value` has no field for.
  fileprivate mutating func append(
    values column: Column, absent: [Bool], field: Int
  ) throws(LarderError) {
    var value = WireWriter()
    var list = WireWriter()
    for row in 0..<column.count {
      value.removeAll()
      if !absent[row], column.isValid(row) {
        if field == 0 {
          unsafe value.append(column.variableBytes(row))
        } else if case .list = column.type, let elements = column.sharedElements {
          list.removeAll()
          let offsets = unsafe column.offsets
          for place in unsafe Int(offsets[row])..<Int(offsets[row + 1]) {
            try list.append(scalar: elements, place, field: 1)
          }
          value.head(field: field, length: list.count)
          value.append(list.bytes)
        } else {
          try value.append(scalar: column, row, field: field)
        }
      }
      head(field: 1, length: value.count)
      append(value.bytes)
    }
  }

  private mutating func append(
    scalar column: Column, _ row: Int, field: Int
  ) throws(LarderError) {
    switch column.type {
    case .float64:
      append(field: field, fixed64: unsafe column.fixedValues(as: UInt64.self)[row])
    case .float32:
      append(field: field, fixed32: unsafe column.fixedValues(as: UInt32.self)[row])
    case .int64:
      append(
        field: field,
        varint: UInt64(bitPattern: unsafe column.fixedValues(as: Int64.self)[row]))
    case .int32:
      append(
        field: field,
        varint: UInt64(bitPattern: Int64(unsafe column.fixedValues(as: Int32.self)[row])))
    case .bool: append(field: field, varint: column[row] == .bool(true) ? 1 : 0)
    case .string, .bytes, .json, .uuid, .decimal, .opaque:
      let text = unsafe column.variableBytes(row)
      head(field: field, length: text.count)
      unsafe append(text)
    default:
      throw LarderError(.unsupported, "Feast's messages have no field for \(column.type).")
    }
  }
}

extension Int64 {
  /// Quotient and remainder with the quotient rounded down.
  fileprivate func flooredDivision(by divisor: Int64) -> (Int64, Int64) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}
