import Glibc
import LarderColumns

/// Writing many rows at a time, column by column: a column's type is looked at once for all rows.
extension RowEncoder {
  /// Writes the features of rows to zeroed memory; all of them come from the batch.
  ///
  /// It writes what `encode(_:keeping:into:at:)` writes row by row.
  ///
  /// - Parameters:
  ///   - run: the rows, with their records and where in these the features begin.
  ///   - range: which of the run's rows.
  func encode(_ run: RowRun, _ range: Range<Int>) {
    let targets = unsafe run.targets
    for (word, bits) in alwaysValid.enumerated() where bits != 0 {
      for row in range {
        unsafe targets[row].storeBytes(of: bits, toByteOffset: word &* 8, as: UInt64.self)
      }
    }
    for source in sources {
      guard let values = unsafe source.values else { continue }
      switch source.kind {
      case .word64:
        unsafe copy(source, run, range) { target, index in
          unsafe target.storeBytes(
            of: values.load(fromByteOffset: index &* 8, as: UInt64.self), as: UInt64.self)
        }
      case .word32:
        unsafe copy(source, run, range) { target, index in
          unsafe target.storeBytes(
            of: values.load(fromByteOffset: index &* 4, as: UInt32.self), as: UInt32.self)
        }
      case .widenInteger:
        unsafe copy(source, run, range) { target, index in
          unsafe target.storeBytes(
            of: Int64(values.load(fromByteOffset: index &* 4, as: Int32.self)), as: Int64.self)
        }
      case .widenFloat:
        unsafe copy(source, run, range) { target, index in
          unsafe target.storeBytes(
            of: Double(values.load(fromByteOffset: index &* 4, as: Float.self)), as: Double.self)
        }
      case .bits:
        unsafe copy(source, run, range) { target, index in
          let bit =
            unsafe values.load(fromByteOffset: index >> 3, as: UInt8.self)
            >> UInt8(truncatingIfNeeded: index & 7) & 1
          unsafe target.storeBytes(of: bit, as: UInt8.self)
        }
      case .bytes, .list: appendVariable(source, run, range)
      case .kept: break
      }
    }
  }

  /// Stores one column's values of rows, and marks those that are there.
  @inline(__always) private func copy(
    _ source: Source, _ run: RowRun, _ range: Range<Int>,
    _ store: (UnsafeMutableRawPointer, Int) -> Void
  ) {
    let (targets, rows) = unsafe (run.targets, run.rows)
    let (first, offset, position) = (source.first, source.offset, source.position)
    guard let validity = unsafe source.validity else {
      for row in range {
        unsafe store(targets[row] + offset, first &+ Int(rows[row]))
      }
      return
    }
    for row in range {
      let index = unsafe first &+ Int(rows[row])
      guard unsafe validity[index >> 3] >> UInt8(truncatingIfNeeded: index & 7) & 1 == 1 else {
        continue
      }
      unsafe mark(position, targets[row])
      unsafe store(targets[row] + offset, index)
    }
  }

  /// Appends one column's text, bytes or lists to rows.
  private func appendVariable(_ source: Source, _ run: RowRun, _ range: Range<Int>) {
    guard let column = columns[source.position] else { return }
    let (targets, bases) = unsafe (run.targets, run.bases)
    for lane in range {
      let row = unsafe Int(run.rows[lane])
      guard column.isValid(row) else { continue }
      unsafe mark(source.position, targets[lane])
      let place = unsafe targets[lane] + source.offset
      if source.kind == .bytes {
        let value = unsafe column.variableBytes(row)
        unsafe refer(value.count, from: place, to: &run.ends[lane])
        if let start = value.baseAddress {
          unsafe memcpy(bases[lane] + run.ends[lane] - value.count, start, value.count)
        }
      } else if let elements = column.sharedElements {
        let range = unsafe Int(column.offsets[row])..<Int(column.offsets[row + 1])
        let count = ListCodec.bytes(elements, range)
        unsafe refer(count, from: place, to: &run.ends[lane])
        unsafe ListCodec.encode(elements, range, to: bases[lane] + run.ends[lane] - count)
      }
    }
  }
}
