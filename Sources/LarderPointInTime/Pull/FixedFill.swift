import CLarderKernels
import Glibc
import LarderColumns
import LarderEncodings
import LarderOffline

/// Fills columns of fixed-width values, and the codes of texts, span by span.
@safe struct FixedFill {
  /// Bytes of a value: 4 or 8.
  let width: Int

  /// Whether values of a type are read as ones of a wider type.
  static func widens(_ type: DataType, to wanted: DataType) -> Bool {
    switch (type, wanted) {
    case (.int32, .int64), (.int32, .float64), (.float32, .float64): true
    default: false
    }
  }

  /// Fills a column; where there is no value it is 0, or what a null's slot holds.
  ///
  /// - Parameter target: room for the spans' rows.
  /// - Throws: `corrupt` if a page is damaged.
  func fill(
    _ placed: PlacedSpans, _ source: inout SpanColumn, _ windows: inout SpanWindows,
    into target: UnsafeMutableRawPointer
  ) throws(LarderError) {
    windows.reset()
    for segment in source.columns.indices {
      let range = placed.range(of: segment)
      guard !range.isEmpty else { continue }
      guard source.isDirect[segment], let column = source.columns[segment] else {
        for index in range {
          let span = RowSpan(segment, placed.spans[index])
          try source.ensureVerified(span)
          unsafe fill(span, source, &windows, into: target + placed.spans[index].place * width)
        }
        continue
      }
      // What is looked up for each span would cost more than what is decoded for a short one.
      var window = windows.windows[segment]
      var verified = 0..<0
      for index in range {
        let span = placed.spans[index]
        if span.rows.upperBound > verified.upperBound || span.rows.lowerBound < verified.lowerBound
        {
          verified = try source.ensureVerified(RowSpan(segment, span))
        }
        unsafe window.read(column, lanes: span.rows, into: target + span.place * width)
      }
    }
  }

  /// Fills the rows of a span whose pages are verified.
  @unsafe func fill(
    _ span: RowSpan, _ source: SpanColumn, _ windows: inout SpanWindows,
    into target: UnsafeMutableRawPointer
  ) {
    let segment = Int(span.segment)
    guard let column = source.columns[segment] else {
      unsafe memset(target, 0, Int(span.count) * width)
      return
    }
    if source.isDirect[segment] {
      unsafe windows.windows[segment].read(column, lanes: span.rows, into: target)
      return
    }
    let isWidened = FixedFill.widens(column.type, to: source.type)
    var row = span.rows.lowerBound
    var place = unsafe target
    while row < span.rows.upperBound {
      let rows = row..<min(span.rows.upperBound, (row | 1_023) + 1)
      let own = isWidened ? unsafe windows.spread : unsafe place
      unsafe read(column, rows, segment, &windows, into: own)
      if isWidened {
        unsafe Self.widen(own, rows.count, from: column.type, to: source.type, into: place)
      }
      unsafe place += rows.count * width
      row = rows.upperBound
    }
  }

  /// Reads at most 1,024 rows in the column's own type, nulls that have no slot as 0.
  @unsafe private func read(
    _ column: SegmentColumn, _ rows: Range<Int>, _ segment: Int, _ windows: inout SpanWindows,
    into target: UnsafeMutableRawPointer
  ) {
    guard column.validity.mode == .sparse else {
      unsafe windows.windows[segment].read(column, lanes: rows, into: target)
      return
    }
    let slots = column.slots(of: rows)
    unsafe windows.windows[segment].read(column, lanes: slots, into: windows.scratch)
    let valid = unsafe column.validity.words
    if column.decodedBytes == 8 {
      unsafe larder_spread64(
        windows.scratch.assumingMemoryBound(to: UInt64.self), valid, rows.lowerBound, rows.count,
        target.assumingMemoryBound(to: UInt64.self))
    } else {
      unsafe larder_spread32(
        windows.scratch.assumingMemoryBound(to: UInt32.self), valid, rows.lowerBound, rows.count,
        target.assumingMemoryBound(to: UInt32.self))
    }
  }

  @unsafe private static func widen(
    _ source: UnsafeMutableRawPointer, _ count: Int, from type: DataType, to wanted: DataType,
    into target: UnsafeMutableRawPointer
  ) {
    let doubles = unsafe target.assumingMemoryBound(to: Double.self)
    if type == .float32 {
      let floats = unsafe source.assumingMemoryBound(to: Float.self)
      for index in 0..<count { unsafe doubles[index] = Double(floats[index]) }
      return
    }
    let integers = unsafe source.assumingMemoryBound(to: Int32.self)
    if wanted == .int64 {
      unsafe larder_widen(integers, count, target.assumingMemoryBound(to: Int64.self))
    } else {
      for index in 0..<count { unsafe doubles[index] = Double(integers[index]) }
    }
  }
}

/// Fills columns of bools, span by span.
@safe struct BitFill {
  /// Fills a column of columns without `sparse` validity.
  ///
  /// - Parameter target: zeroed words.
  /// - Throws: `corrupt` if a page is damaged.
  static func fill(
    _ spans: PulledSpans, _ source: inout SpanColumn, _ windows: SpanWindows,
    into target: Lanes<UInt64>
  ) throws(LarderError) {
    var place = 0
    for span in spans.spans {
      try source.ensureVerified(span)
      guard let column = source.columns[Int(span.segment)] else {
        place += Int(span.count)
        continue
      }
      var row = span.rows.lowerBound
      while row < span.rows.upperBound {
        let rows = row..<min(span.rows.upperBound, (row | 1_023) + 1)
        unsafe fill(column.lanes, rows, windows.scratch, target, place)
        place += rows.count
        row = rows.upperBound
      }
    }
  }

  /// Fills rows of one vector.
  @unsafe private static func fill(
    _ lanes: PackedView, _ rows: Range<Int>, _ scratch: UnsafeMutableRawPointer,
    _ target: Lanes<UInt64>, _ place: Int
  ) {
    let vector = rows.lowerBound >> 10
    let header = unsafe lanes.headers[vector]
    if header.kind.rawValue == 0, header.width == 1, header.base == 0 {
      let bits = unsafe (lanes.body + Int(header.offset) << 3).assumingMemoryBound(to: UInt64.self)
      _ = unsafe copyBits(bits, rows.lowerBound & 1_023, rows.count, to: target, place)
      return
    }
    if header.kind.rawValue == 0, header.width == 0 {
      if header.base & 1 == 1 { setBits(target, place, rows.count) }
      return
    }
    let values = unsafe scratch.assumingMemoryBound(to: Int64.self)
    unsafe lanes.decode(vector: vector, into: values)
    for (index, row) in rows.enumerated() where unsafe values[row & 1_023] & 1 == 1 {
      target[(place + index) >> 6] |= 1 << UInt64((place + index) & 63)
    }
  }
}
