import LarderColumns

/// Repetition and definition levels of a column of lists, decoded a window at a time.
@safe struct LevelWindow {
  /// How many levels are decoded at once.
  static let capacity = 4_096

  private let memory = Buffer(zeroedBytes: capacity * 2 + capacity / 8)
  private var next = 0
  private var count = 0

  /// Whether every level was taken.
  var isEmpty: Bool { next == count }

  private var repetitions: UnsafeMutablePointer<UInt8> {
    unsafe memory.base.assumingMemoryBound(to: UInt8.self)
  }
  private var definitions: UnsafeMutablePointer<UInt8> {
    unsafe repetitions + LevelWindow.capacity
  }
  /// Which of the slots of the last step are valid.
  var validBits: UnsafeMutableRawPointer { unsafe memory.base + LevelWindow.capacity * 2 }

  /// Decodes the next levels of a page.
  mutating func fill(
    _ span: Int, _ repetition: inout HybridDecoder?, _ definition: inout HybridDecoder?,
    _ shape: ColumnShape
  ) throws(LarderError) {
    unsafe try repetition?.decodeLevels(
      into: repetitions, count: span, greatest: shape.maxRepetition)
    unsafe try definition?.decodeLevels(
      into: definitions, count: span, greatest: shape.maxDefinition)
    next = 0
    count = span
  }

  /// The level pair at the front.
  var front: (repetition: UInt8, definition: UInt8) {
    unsafe (repetitions[next], definitions[next])
  }

  /// Takes the pair at the front.
  mutating func drop() { next &+= 1 }
}

/// Turns levels into the offsets and the nulls of lists.
@safe struct ListOffsets {
  /// Int32 offsets, one more than there are rows.
  let offsets: Buffer
  private let validity: Buffer
  private let rows: Int
  private var row = -1
  private var elements = 0
  private var nulls = 0
  /// Whether the row after the last wanted one was met, or the wanted ones are complete.
  private(set) var isFull = false

  init(rows: Int, buffer: Buffer) {
    self.rows = rows
    offsets = buffer
    validity = Buffer(zeroedBytes: (rows + 7) / 8)
  }

  /// Takes levels until the window is empty or the row after the last wanted one starts.
  ///
  /// - Returns: how many element slots the levels make, and how many of these hold a value; the
  ///   window's `validBits` say which.
  mutating func take(
    _ window: inout LevelWindow, _ shape: ColumnShape
  ) throws(LarderError) -> (slots: Int, present: Int) {
    let ends = unsafe offsets.base.assumingMemoryBound(to: Int32.self)
    var slots = 0
    var present = 0
    while !window.isEmpty {
      let (repetition, definition) = window.front
      if repetition == 0 {
        if row == rows - 1 {
          isFull = true
          break
        }
        row += 1
        unsafe ends[row] = Int32(truncatingIfNeeded: elements)
        let there = definition >= shape.presentLevel
        nulls += there ? 0 : 1
        unsafe fillBits(validity.base, at: row, count: 1, with: there)
      } else if row < 0 {
        throw .malformed("A column of lists starts in the middle of a list.")
      }
      window.drop()
      guard definition >= shape.elementLevel else {
        guard repetition == 0 else {
          throw .malformed("A list continues with no element.")
        }
        continue
      }
      guard elements < Limits.batchRows else { throw ValueStream.tooLong }
      let valid = definition == shape.maxDefinition
      unsafe fillBits(window.validBits, at: slots, count: 1, with: valid)
      slots += 1
      elements += 1
      present += valid ? 1 : 0
    }
    return (slots, present)
  }

  /// The column of lists.
  ///
  /// - Throws: `invalidInput` if fewer rows came than wanted.
  func finish(elements column: Column, type: DataType) throws(LarderError) -> Column {
    guard row == rows - 1 else {
      throw .malformed("The pages of a column hold fewer rows than its row group.")
    }
    unsafe offsets.base.storeBytes(
      of: Int32(truncatingIfNeeded: elements), toByteOffset: rows * 4, as: Int32.self)
    return Column(
      type: type, count: rows, nullCount: nulls, validity: nulls > 0 ? validity : nil,
      values: offsets, child: column)
  }
}
