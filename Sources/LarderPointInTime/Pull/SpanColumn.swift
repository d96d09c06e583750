import LarderColumns
import LarderEncodings
import LarderOffline

/// One feature's columns, by the ordinals of the view's segments, as spans are read from them.
struct SpanColumn {
  /// For each segment its column; nil if it was written without the feature or holds only nulls.
  let columns: [SegmentColumn?]
  /// The feature's type now.
  let type: DataType
  /// Whether a value may be null.
  let mayBeNull: Bool
  /// For each segment whether its values are decoded to where they are wanted: each row has a lane,
  /// and they are of the feature's type.
  let isDirect: [Bool]
  /// For each segment rows whose pages are verified.
  private var verified: [Range<Int>]

  /// - Parameter columns: one for each segment; nil where it was written without the feature.
  init(_ columns: [SegmentColumn?], as type: DataType) {
    self.columns = columns.map { column in
      column.flatMap { $0.validity.mode == .allNull ? nil : $0 }
    }
    self.type = type
    mayBeNull = columns.contains { ($0?.nullCount ?? 1) > 0 }
    verified = columns.map { _ in 0..<0 }
    isDirect = columns.map { column in
      guard let column else { return false }
      return column.validity.mode == .sparse ? false : !FixedFill.widens(column.type, to: type)
    }
  }

  /// Whether spans can be read; else rows are gathered one by one.
  var isReadInSpans: Bool {
    // Also where all lists are null: the result needs elements, if none.
    if type.layout == .list { return false }
    return columns.allSatisfy { column in
      guard let column else { return true }
      switch type.layout {
      case .bits: return column.encoding == .lanes && column.validity.mode != .sparse
      case .fixed:
        guard column.encoding == .lanes || column.encoding == .fixedDictionary else { return false }
        return column.type == type || FixedFill.widens(column.type, to: type)
      case .variable:
        guard column.type == type else { return false }
        return [.dictionary, .plain, .symbols].contains(column.encoding)
      case .list: return false
      }
    }
  }

  /// Verifies the pages of a span.
  ///
  /// - Returns: rows, those of the span among them, whose pages are verified now.
  /// - Throws: `corrupt` if one is damaged.
  @discardableResult
  mutating func ensureVerified(_ span: RowSpan) throws(LarderError) -> Range<Int> {
    let segment = Int(span.segment)
    let rows = span.rows
    let known = verified[segment]
    if known.lowerBound <= rows.lowerBound, rows.upperBound <= known.upperBound {
      return known
    }
    guard let column = columns[segment] else { return rows }
    // By whole vectors, so that short spans are not asked about one by one.
    let end = min(column.rows, ((rows.upperBound - 1) | 1_023) + 1)
    let wanted = rows.lowerBound & ~1_023..<end
    try column.ensureVerified(rows: wanted)
    verified[segment] = wanted
    return wanted
  }

  /// The validity bits of spans; nil if there cannot be a null.
  func readValidity(_ spans: PulledSpans, _ memory: BatchMemory) -> (bits: Buffer, nulls: Int)? {
    guard mayBeNull else { return nil }
    let bits = memory.takeZeroed((spans.count + 7) / 8)
    let target = Lanes<UInt64>(bits)
    var place = 0
    var valid = 0
    for span in spans.spans {
      let rows = span.rows
      if let column = columns[Int(span.segment)] {
        if column.validity.mode == .none {
          setBits(target, place, rows.count)
          valid += rows.count
        } else {
          let words = unsafe column.validity.words
          unsafe valid += copyBits(words, rows.lowerBound, rows.count, to: target, place)
        }
      }
      place += rows.count
    }
    return (bits, spans.count - valid)
  }
}

/// What the filling of columns shares: a window into each segment's vectors.
@safe struct SpanWindows {
  /// One for each segment.
  var windows: [LaneWindow]
  /// Room for 1,024 values and 64 bytes more, twice.
  let scratch: UnsafeMutableRawPointer
  static let scratchBytes = 8_256
  private let memory: Buffer
  private let other: Buffer
  /// The second room.
  let spread: UnsafeMutableRawPointer

  init(segments: Int) {
    memory = Buffer(uninitializedBytes: max(1, segments) * LaneWindow.bytes)
    other = Buffer(uninitializedBytes: 2 * Self.scratchBytes)
    unsafe scratch = other.base
    unsafe spread = other.base + Self.scratchBytes
    windows = []
    for segment in 0..<segments {
      unsafe windows.append(LaneWindow(memory.base + segment * LaneWindow.bytes))
    }
  }

  /// Bytes that they take.
  static func bytes(segments: Int) -> Int { segments * LaneWindow.bytes + 2 * scratchBytes }

  /// Begins another column.
  mutating func reset() { for index in windows.indices { windows[index].reset() } }
}

/// Sets bits of zeroed words.
func setBits(_ target: Lanes<UInt64>, _ place: Int, _ count: Int) {
  var bit = place
  let end = place + count
  while bit < end {
    let taken = min(64 - bit & 63, end - bit)
    target[bit >> 6] |= (UInt64.max >> UInt64(64 - taken)) << UInt64(bit & 63)
    bit += taken
  }
}

/// Copies bits to zeroed words.
///
/// - Parameters:
///   - source: words of which those that hold the bits can be read.
///   - first: the first bit of them.
/// - Returns: how many are set.
@unsafe func copyBits(
  _ source: UnsafePointer<UInt64>, _ first: Int, _ count: Int, to target: Lanes<UInt64>,
  _ place: Int
) -> Int {
  var ones = 0
  var done = 0
  while done < count {
    // As many as fill the target's word.
    let (from, to) = (first + done, place + done)
    let taken = min(64 - to & 63, count - done)
    let shift = UInt64(from & 63)
    var word = unsafe source[from >> 6] >> shift
    if from & 63 + taken > 64 { unsafe word |= source[from >> 6 + 1] << (64 - shift) }
    word &= UInt64.max >> UInt64(64 - taken)
    ones += word.nonzeroBitCount
    target[to >> 6] |= word << UInt64(to & 63)
    done += taken
  }
  return ones
}
