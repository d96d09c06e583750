/// Values of one type in Arrow's layout, immutable.
///
/// A null's slot exists and its content is unspecified. Dictionary columns hold Int32 indexes into
/// a column of distinct values. Copying a column copies references, not values.
public struct Column: Sendable {
  /// The type of the values; for a dictionary column, of the dictionary's values.
  public let type: DataType
  /// How many values, nulls included.
  public let count: Int
  /// How many are null.
  public let nullCount: Int
  /// Bits, 1 = valid, least significant first, starting at bit `offset`; nil where nothing is null.
  package let validity: Buffer?
  /// Where value 0 lies in `validity` and `values`, in values: slices share their buffers.
  package let offset: Int
  /// Bits, fixed-width values, Int32 offsets (`variable`, `list`), or Int32 dictionary indexes.
  package let values: Buffer
  /// The bytes that the offsets of a `variable` column point into.
  package let bytes: Buffer?
  /// The elements of a list column, or the distinct values of a dictionary column.
  package let child: ColumnBox?
  /// Whether `values` are indexes into `child`.
  public let isDictionary: Bool

  /// Puts a column together from buffers that are already right.
  ///
  /// The engine's own makers call this; what comes from outside is checked before.
  package init(
    type: DataType, count: Int, nullCount: Int, validity: Buffer?, offset: Int = 0,
    values: Buffer, bytes: Buffer? = nil, child: Column? = nil, isDictionary: Bool = false
  ) {
    assert(nullCount == 0 || validity != nil)
    self.type = type
    self.count = count
    self.nullCount = nullCount
    self.validity = nullCount == 0 ? nil : validity
    self.offset = offset
    self.values = values
    self.bytes = bytes
    self.child = child.map(ColumnBox.init)
    self.isDictionary = isDictionary
  }

  /// The distinct values of a dictionary column; nil for others.
  public var dictionary: Column? { isDictionary ? child?.column : nil }
  /// The elements of all lists of a list column, one after the other; nil for others.
  ///
  /// Of a slice they are those of its rows, though it shares them with other rows.
  public var elements: Column? {
    guard let all = sharedElements else { return nil }
    if count == 0 { return all.slice(0..<0) }
    let ends = unsafe offsets
    let (first, last) = unsafe (Int(ends[0]), Int(ends[count]))
    return first == 0 && last == all.count ? all : all.slice(first..<last)
  }
  /// The elements that a list column's offsets count in: also those of rows that a slice leaves out.
  package var sharedElements: Column? { isDictionary ? nil : child?.column }
}

/// Holds a column inside a column.
package final class ColumnBox: Sendable {
  package let column: Column
  init(_ column: Column) { self.column = column }
}

extension Column {
  /// Whether a value is there.
  ///
  /// - Precondition: `0 <= row < count`.
  public func isValid(_ row: Int) -> Bool {
    precondition(row >= 0 && row < count)
    guard let validity else { return true }
    let bit = offset + row
    return unsafe validity.base.load(fromByteOffset: bit >> 3, as: UInt8.self) >> (bit & 7) & 1 == 1
  }

  /// Calls a closure with the fixed-width values from row 0 on, nulls' slots included.
  ///
  /// ```swift
  /// let sum = column.withValues(as: Int64.self) { $0.reduce(0, &+) }
  /// ```
  ///
  /// - Parameters:
  ///   - type: Int32 for int32 and date, Int64 for int64 and timestamp, Float for float32, Double for
  ///     float64; Int32 for the indexes of a dictionary column.
  ///   - body: gets `count` values, valid during the call only.
  /// - Throws: `invalidArgument` if the column's values are of another type.
  @unsafe @inlinable public func withValues<T: BitwiseCopyable, Result>(
    as type: T.Type, _ body: (UnsafeBufferPointer<T>) throws -> Result
  ) throws -> Result {
    guard let start = unsafe firstValue(of: type) else {
      throw LarderError(
        .invalidArgument, "The column holds \(self.type), which cannot be read as \(T.self).")
    }
    return try unsafe body(
      UnsafeBufferPointer(start: start.assumingMemoryBound(to: type), count: count))
  }

  /// Where the value of row 0 lies; nil for values of another type.
  @usableFromInline func firstValue(of type: Any.Type) -> UnsafeRawPointer? {
    let (known, width): (Any.Type, Int) =
      switch isDictionary ? .int32 : self.type {
      case .int32, .date: (Int32.self, 4)
      case .float32: (Float.self, 4)
      case .int64, .timestamp: (Int64.self, 8)
      case .float64: (Double.self, 8)
      default: (Never.self, 0)
      }
    return unsafe type == known ? UnsafeRawPointer(values.base) + offset * width : nil
  }

  /// The fixed-width values from row 0 on, valid while the column lives.
  package func fixedValues<T: BitwiseCopyable>(as type: T.Type) -> UnsafeBufferPointer<T> {
    unsafe UnsafeBufferPointer(
      start: UnsafePointer(values.base.assumingMemoryBound(to: type)) + offset, count: count)
  }

  /// The `count + 1` offsets of a `variable` or `list` column from row 0 on.
  package var offsets: UnsafeBufferPointer<Int32> {
    unsafe UnsafeBufferPointer(
      start: UnsafePointer(values.base.assumingMemoryBound(to: Int32.self)) + offset,
      count: count + 1)
  }

  /// The bytes of a text, bytes or opaque value, dictionary or not, valid while the column lives.
  ///
  /// - Precondition: the row is valid and the layout is `variable`.
  package func variableBytes(_ row: Int) -> UnsafeRawBufferPointer {
    if isDictionary, let child {
      return unsafe child.column.variableBytes(Int(fixedValues(as: Int32.self)[row]))
    }
    let offsets = unsafe self.offsets
    let start = unsafe Int(offsets[row])
    let end = unsafe Int(offsets[row + 1])
    guard let bytes else { return unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
    return unsafe UnsafeRawBufferPointer(rebasing: bytes.bytes[start..<end])
  }

  /// A run of the column's rows, sharing its buffers.
  ///
  /// - Precondition: the range lies within the column.
  /// - Complexity: O(rows / 64) to count the nulls.
  public func slice(_ rows: Range<Int>) -> Column {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= count)
    var nulls = 0
    if nullCount > 0 { for row in rows where !isValid(row) { nulls += 1 } }
    return Column(
      type: type, count: rows.count, nullCount: nulls, validity: validity,
      offset: offset + rows.lowerBound, values: values, bytes: bytes, child: child?.column,
      isDictionary: isDictionary)
  }

  /// The value of a row in a form for people; slow, for inspection and tests.
  ///
  /// - Precondition: `0 <= row < count`.
  public subscript(row: Int) -> Value {
    guard isValid(row) else { return .null }
    if isDictionary, let child { return unsafe child.column[Int(fixedValues(as: Int32.self)[row])] }
    switch type {
    case .bool:
      let bit = offset + row
      return .bool(
        unsafe values.base.load(fromByteOffset: bit >> 3, as: UInt8.self) >> (bit & 7) & 1 == 1)
    case .int32: return .int32(unsafe fixedValues(as: Int32.self)[row])
    case .date: return .date(unsafe fixedValues(as: Int32.self)[row])
    case .int64: return .int64(unsafe fixedValues(as: Int64.self)[row])
    case .timestamp(let unit):
      return .timestamp(Timestamp(ticks: unsafe fixedValues(as: Int64.self)[row], unit: unit))
    case .float32: return .float32(unsafe fixedValues(as: Float.self)[row])
    case .float64: return .float64(unsafe fixedValues(as: Double.self)[row])
    case .string, .json, .uuid, .decimal:
      return .string(unsafe String(decoding: variableBytes(row), as: UTF8.self))
    case .bytes, .opaque: return .bytes(unsafe Array(variableBytes(row)))
    case .list:
      guard let elements = sharedElements else { return .list([]) }
      let offsets = unsafe self.offsets
      let range = unsafe Int(offsets[row])..<Int(offsets[row + 1])
      return .list(range.map { elements[$0] })
    }
  }
}
