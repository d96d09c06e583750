import LarderColumns

/// The types that the cells of a text column may have, narrowed down cell by cell.
///
/// A number is one only if nothing of it is lost: leading zeros, a plus sign, hexadecimal digits, an
/// exponent without a point or a sign, `nan` and `inf`, integers beyond 64 bits and decimals that no
/// double prints back to are text.
package struct CellTypeGuess: Sendable, Hashable {
  private var isBool = true
  private var isInteger = true
  private var isFloat = true
  private var isDate = true
  private var isTime = true
  private var hasFinerTime = false
  private var hasValue = false

  /// Nothing is known yet.
  package init() {}

  /// The narrowest type that all cells have; text where there are none.
  package var type: DataType {
    if !hasValue { return .string }
    if isBool { return .bool }
    if isInteger { return .int64 }
    if isFloat { return .float64 }
    if isDate { return .date }
    if isTime { return .timestamp(hasFinerTime ? .nanoseconds : .microseconds) }
    return .string
  }

  /// Whether no cell says what it is.
  package var isOpen: Bool { !hasValue }

  /// Whether nothing but text is left.
  private var isText: Bool { hasValue && !isBool && !isInteger && !isFloat && !isTime }

  /// What the cells of two files leave.
  package func merged(with other: CellTypeGuess) -> CellTypeGuess {
    if isOpen { return other }
    if other.isOpen { return self }
    var both = self
    both.isBool = isBool && other.isBool
    both.isInteger = isInteger && other.isInteger
    both.isFloat = isFloat && other.isFloat
    both.isDate = isDate && other.isDate
    both.isTime = isTime && other.isTime
    both.hasFinerTime = hasFinerTime || other.hasFinerTime
    return both
  }

  /// Whether every cell is of a type that another file has the column in.
  package func allows(_ type: DataType) -> Bool {
    if isOpen { return true }
    return switch type {
    case .bool: isBool
    case .int32, .int64: isInteger
    case .float32, .float64: isFloat
    case .date: isDate
    case .timestamp(let unit): isTime && (!hasFinerTime || unit == .nanoseconds)
    case .string, .json, .uuid, .decimal: true
    case .bytes, .opaque, .list: false
    }
  }

  /// Narrows the types by the cells of a column of a chunk.
  ///
  /// - Parameters:
  ///   - cell: the column's place among the wanted ones.
  ///   - format: says which cells are null, and how times are written beside ISO 8601.
  mutating func see(
    _ chunk: CSVChunk, cell: Int, window: Span<UInt8>, format: CSVFormat
  ) {
    for record in 0..<chunk.count {
      if isText { return }
      let field = chunk.fields[record &* chunk.width &+ cell]
      let start = chunk.base &+ field.start
      let bytes = window.extracting(start..<start &+ field.length)
      if !field.isQuoted || format.nullsMayBeQuoted {
        if bytes.count == 0 { continue }
        if !format.nulls.isEmpty, format.nulls.contains(where: { bytes.equals($0) }) { continue }
      }
      // A doubled quote is in no number and no time.
      see(bytes, format.timePattern)
    }
  }

  /// Narrows the types by one text.
  mutating func see(_ text: String) {
    let bytes = Array(text.utf8)
    see(bytes.span, nil)
  }

  private mutating func see(_ bytes: Span<UInt8>, _ pattern: TimePattern?) {
    hasValue = true
    let cell = bytes.extracting(bytes.trimmed(0..<bytes.count))
    if isBool { isBool = cell.equalsIgnoringCase("true") || cell.equalsIgnoringCase("false") }
    if isInteger || isFloat {
      let number = ExactNumber(cell)
      isInteger = isInteger && number.kind == .integer
      isFloat = isFloat && number.kind != .none && number.isDouble(cell)
    }
    if isDate { isDate = Self.isDate(cell, pattern) }
    if isTime { isTime = seesTime(cell, pattern) }
  }

  private static func isDate(_ cell: Span<UInt8>, _ pattern: TimePattern?) -> Bool {
    do throws(CellFlaw) {
      _ = try TimeCells.days(cell, by: TimeReading(pattern: pattern))
    } catch { return false }
    return true
  }

  private mutating func seesTime(_ cell: Span<UInt8>, _ pattern: TimePattern?) -> Bool {
    let reading = TimeReading(pattern: pattern)
    do throws(CellFlaw) { _ = try TimeCells.ticks(cell, in: .microseconds, by: reading) } catch {
      guard case .time(.finerThanUnit) = error else { return false }
      do throws(CellFlaw) { _ = try TimeCells.ticks(cell, in: .nanoseconds, by: reading) } catch {
        return false
      }
      hasFinerTime = true
    }
    return true
  }
}
