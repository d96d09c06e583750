import CLarderKernels
import Glibc
import LarderColumns
import LarderEncodings
import LarderOffline

/// Fills a column of texts or bytes, span by span, in two passes: where each ends, then the bytes.
@safe struct TextFill {
  /// A part of the result's bytes.
  @safe private struct Part {
    /// The first byte, where they lie as they are wanted or as codes; nil for texts of a dictionary.
    var bytes: UnsafeRawPointer?
    /// What the bytes are codes of.
    var symbols: SymbolTable?
    /// How many bytes the texts have, where those are codes.
    var length = 0
    /// How many bytes, or texts.
    var count: Int
    /// The dictionary's segment.
    var segment = 0
    /// The first row of the result.
    var row = 0
  }

  private let ends: Buffer
  private let codes: Buffer?
  private let validity: Buffer?
  private let nulls: Int
  private let type: DataType
  private let columns: [SegmentColumn?]
  private let count: Int
  private var parts: [Part] = []
  /// Bytes of all texts.
  private(set) var total = 0

  /// The first pass.
  ///
  /// - Throws: `corrupt` if a page is damaged; `limitExceeded` for 2 GiB of text and more.
  init(
    _ spans: PulledSpans, _ source: inout SpanColumn, _ windows: inout SpanWindows,
    _ memory: BatchMemory
  ) throws(LarderError) {
    type = source.type
    columns = source.columns
    count = spans.count
    ends = memory.take((spans.count + 1) * 4)
    let valid = source.readValidity(spans, memory)
    validity = valid?.bits
    nulls = valid?.nulls ?? 0
    let hasCodes = source.columns.contains { $0?.encoding == .dictionary }
    codes = hasCodes ? memory.take(spans.count * 4) : nil
    windows.reset()
    let target = Lanes<UInt32>(ends)
    target[0] = 0
    var place = 0
    for span in spans.spans {
      try source.ensureVerified(span)
      switch source.columns[Int(span.segment)]?.encoding {
      case .dictionary: unsafe addCodes(span, source, &windows, place)
      case .plain, .symbols: unsafe addBytes(span, source, &windows, place)
      default:
        let end = UInt32(truncatingIfNeeded: total)
        target.fill(end, in: place + 1..<place + 1 + Int(span.count))
      }
      place += Int(span.count)
      guard total <= Limits.columnBytes else {
        throw LarderError(
          .limitExceeded, "A column of one batch holds at most \(Limits.columnBytes) bytes.",
          row: place)
      }
    }
  }

  /// The second pass.
  consuming func finish(_ memory: BatchMemory) -> Column {
    let bytes = memory.take(total)
    let offsets = Lanes<UInt32>(ends)
    var target = unsafe bytes.base
    for part in parts {
      if let source = unsafe part.bytes, let symbols = part.symbols {
        // What is written past the end is written over, or lies in the memory's slack.
        let codes = unsafe UnsafeRawBufferPointer(start: source, count: part.count)
        unsafe symbols.decode(codes, into: target, count: part.length)
        unsafe target += part.length
      } else if let source = unsafe part.bytes {
        unsafe memcpy(target, source, part.count)
        unsafe target += part.count
      } else if let codes, let dictionary = columns[part.segment]?.dictionary {
        unsafe larder_copy_texts(
          codes.base.assumingMemoryBound(to: UInt32.self) + part.row, part.count,
          dictionary.offsets, dictionary.bytes, offsets.base + part.row, target)
        unsafe target += Int(offsets[part.row + part.count] &- offsets[part.row])
      }
    }
    return Column(
      type: type, count: count, nullCount: nulls, validity: validity, values: ends, bytes: bytes)
  }

  /// Sums the lengths of a dictionary's texts.
  @unsafe private mutating func addCodes(
    _ span: RowSpan, _ source: SpanColumn, _ windows: inout SpanWindows, _ place: Int
  ) {
    let segment = Int(span.segment)
    guard let codes, let column = source.columns[segment], let dictionary = column.dictionary else {
      return
    }
    let first = unsafe codes.base.assumingMemoryBound(to: UInt32.self) + place
    unsafe FixedFill(width: 4).fill(span, source, &windows, into: first)
    // Without a null in it, a segment's validity is one word of ones.
    let hasNulls = column.validity.mode != .none
    let valid = unsafe hasNulls ? column.validity.words : nil
    let sum = unsafe larder_sum_texts(
      first, Int(span.count), dictionary.offsets, valid, Int(span.start), UInt64(total),
      Lanes<UInt32>(ends).base + place)
    total = Int(truncatingIfNeeded: sum)
    unsafe parts.append(Part(bytes: nil, count: Int(span.count), segment: segment, row: place))
  }

  /// Turns the offsets of texts that lie one after the other into those of the result.
  @unsafe private mutating func addBytes(
    _ span: RowSpan, _ source: SpanColumn, _ windows: inout SpanWindows, _ place: Int
  ) {
    let segment = Int(span.segment)
    guard let column = source.columns[segment], let bytes = unsafe column.plainBytes else { return }
    let target = unsafe Lanes<UInt32>(ends).base + place
    let offsets = unsafe windows.scratch.assumingMemoryBound(to: Int64.self)
    var row = span.rows.lowerBound
    while row < span.rows.upperBound {
      // One lane more than there are rows, and no more than 1,024.
      let rows = row..<min(span.rows.upperBound, row + 1_023)
      let slots = column.slots(of: rows)
      let index = row - span.rows.lowerBound
      let before = total
      if slots.isEmpty {
        for lane in 0..<rows.count {
          unsafe target[index + lane + 1] = UInt32(truncatingIfNeeded: before)
        }
      } else {
        unsafe windows.windows[segment].read(
          column, lanes: slots.lowerBound..<slots.upperBound + 1, into: offsets)
        let start = unsafe offsets[0]
        let coded = unsafe Int(truncatingIfNeeded: offsets[slots.count] &- start)
        if let symbols = column.symbols {
          unsafe lengthen(offsets, slots.count, bytes, symbols)
        }
        var slot = 0
        for lane in 0..<rows.count {
          if unsafe column.validity.mode != .sparse || column.validity.isValid(row + lane) {
            slot += 1
          }
          let length = unsafe Int(truncatingIfNeeded: offsets[slot] &- offsets[0])
          unsafe target[index + lane + 1] = UInt32(truncatingIfNeeded: before &+ length)
        }
        let length = unsafe Int(truncatingIfNeeded: offsets[slot] &- offsets[0])
        total += length
        unsafe add(bytes + Int(start), coded, column.symbols, length)
      }
      row = rows.upperBound
    }
  }

  /// Turns the offsets of texts' codes into those of the texts, from the first code on.
  @unsafe private func lengthen(
    _ offsets: UnsafeMutablePointer<Int64>, _ count: Int, _ bytes: UnsafeRawPointer,
    _ symbols: SymbolTable
  ) {
    var end = unsafe offsets[0]
    var before = end
    for slot in 1...count {
      let next = unsafe offsets[slot]
      let codes = unsafe UnsafeRawBufferPointer(
        start: bytes + Int(before), count: Int(next &- before))
      end = unsafe end &+ Int64(symbols.length(of: codes))
      unsafe offsets[slot] = end
      before = next
    }
  }

  /// Adds bytes to the last part, if they follow it.
  @unsafe private mutating func add(
    _ bytes: UnsafeRawPointer, _ count: Int, _ symbols: SymbolTable?, _ length: Int
  ) {
    if let last = parts.indices.last, let start = unsafe parts[last].bytes,
      unsafe start + parts[last].count == bytes, parts[last].symbols === symbols
    {
      parts[last].count += count
      parts[last].length += length
    } else {
      parts.append(unsafe Part(bytes: bytes, symbols: symbols, length: length, count: count))
    }
  }
}
