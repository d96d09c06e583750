import LarderColumns

/// A store did not do what the contract says.
public struct ConformanceFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// Which case it was, what was expected and what was found.
  public var description: String

  /// Makes a failure.
  package init(_ description: String) { self.description = description }

  /// Makes a failure.
  init(description: String) { self.description = description }
}

/// The first difference between two answers, in words; nil if they are the same.
///
/// Types, values and nulls must be the same, floats bit by bit. Without order, the rows must be the
/// same as a bag.
package func firstDifference(
  expected: RecordBatch, found: RecordBatch, isOrdered: Bool = true
) -> String? {
  if expected.schema != found.schema {
    return "expected the columns \(names(expected)), found \(names(found))"
  }
  if expected.count != found.count {
    return "expected \(expected.count) rows, found \(found.count)"
  }
  guard isOrdered else {
    var counts: [[Value]: Int] = [:]
    for row in 0..<expected.count { counts[expected.row(row), default: 0] += 1 }
    for row in 0..<found.count {
      let values = found.row(row)
      guard let count = counts[values], count > 0 else {
        return "row \(row) was found and not expected: \(values)"
      }
      counts[values] = count - 1
    }
    return nil
  }
  for (index, field) in expected.schema.fields.enumerated() {
    let wanted = expected.columns[index]
    let got = found.columns[index]
    var nulls = 0
    for row in 0..<expected.count {
      let value = got[row]
      if value == .null { nulls += 1 }
      if wanted[row] != value {
        return "column \(field.name), row \(row): expected \(wanted[row]), found \(value); the "
          + "row is \(expected.row(row))"
      }
    }
    if got.nullCount != nulls {
      return "column \(field.name) says it has \(got.nullCount) nulls and has \(nulls)"
    }
  }
  return nil
}

private func names(_ batch: RecordBatch) -> String {
  batch.schema.fields.map { "\($0.name): \($0.type)" }.joined(separator: ", ")
}
