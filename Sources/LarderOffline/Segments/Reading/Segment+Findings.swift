import LarderColumns
import LarderEncodings
import LarderFiles

/// Damage in a segment, and which part of it is lost by that.
package struct SegmentFinding: Sendable {
  package var error: LarderError
  /// The feature's id; nil for what all rows need.
  package var fieldID: UInt32?
  /// The rows that cannot be read, where they are known.
  package var rows: Range<Int>?
}

extension Segment {
  /// Verifies every byte and goes on behind damage: one finding for each page that does not hold.
  ///
  /// - Parameter deep: whether a segment whose bytes hold is decoded as well, its order, bounds, zone
  ///   maps and content hashes computed again.
  /// - Returns: what is wrong; nothing for a sound segment.
  /// - Complexity: O(bytes); deep O(values), with memory for one column.
  package func findings(deep: Bool) -> [SegmentFinding] {
    var findings: [SegmentFinding] = []
    func attempt(
      _ fieldID: UInt32?, _ rows: Range<Int>?, _ body: () throws(LarderError) -> Void
    ) {
      do throws(LarderError) { try body() } catch {
        findings.append(SegmentFinding(error: error, fieldID: fieldID, rows: rows))
      }
    }
    attempt(nil, 0..<rows) { () throws(LarderError) in _ = try entityIndex() }
    attempt(nil, 0..<rows) { () throws(LarderError) in _ = unsafe try fences() }
    for position in footer.columns.indices {
      guard case .known(let record) = footer.columns[position] else { continue }
      let isFeature = record.role == .feature || record.role == .elements
      let id = isFeature ? record.fieldID : nil
      let column: SegmentColumn
      do throws(LarderError) { column = try self.column(at: position) } catch {
        findings.append(SegmentFinding(error: error, fieldID: id, rows: 0..<rows))
        continue
      }
      for page in 0..<column.pageCount {
        // Without nulls a page's lanes are its rows.
        let first = page * Limits.pageRows
        let isDense = column.nullCount == 0 && first < rows
        attempt(id, isDense ? first..<min(first + Limits.pageRows, rows) : nil) {
          () throws(LarderError) in try column.ensureVerified(page: page)
        }
      }
      attempt(id, nil) { () throws(LarderError) in try column.elements?.ensureVerified() }
    }
    if deep, findings.isEmpty {
      for error in verifyDeep() {
        findings.append(SegmentFinding(error: error, fieldID: nil, rows: nil))
      }
    }
    return findings
  }
}
