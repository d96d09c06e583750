import LarderColumns
import LarderEncodings

/// What a column is to its segment.
package enum ColumnRole: UInt8, Sendable, Hashable {
  case feature = 0
  case eventTime = 1
  case createdTime = 2
  /// The elements of a list column.
  case elements = 3
}

/// How a column's values are kept.
package enum ColumnEncoding: UInt8, Sendable, Hashable {
  /// A lane for each value: integers, dates, times, bools, floats.
  case lanes = 0
  /// Lanes are codes into an array of distinct 8-byte values.
  case fixedDictionary = 1
  /// Lanes are codes into offsets and bytes of distinct values.
  case dictionary = 2
  /// Lanes are offsets into bytes, one more than there are values.
  case plain = 3
  /// Lanes are offsets into the elements, one more than there are values.
  case list = 5
  /// As `plain`, the bytes being codes of a table of strings (FSST).
  case symbols = 6
}

/// What a column's lanes are differences from.
package enum LaneReference: UInt8, Sendable, Hashable {
  case none = 0
  /// The event time of the last row before that is a multiple of 64.
  case fence = 1
  /// The row's event time.
  case eventTime = 2
}

/// One page of a column: 65,536 stored values.
struct PageRecord: Sendable, Hashable {
  /// Where its bodies start within the column's bodies; they end where the next page's start.
  var bodyOffset: UInt64 = 0
  var bodyHash: UInt64 = 0
  /// Where its bytes start within the column's bytes; `plain` and `blocks` only.
  var bytesOffset: UInt64 = 0
  var bytesHash: UInt64 = 0
  /// The least value's order-preserving image.
  var least: UInt64 = .max
  /// The greatest value's order-preserving image.
  var greatest: UInt64 = 0
  /// The factor of the page's lanes.
  var scale: Int64 = 1
  /// Whether its bodies are an `EntropyPage`; only where the column `isCoded`.
  var isPacked = false
  /// Where its bodies start once they are unpacked; only where the column `isCoded`.
  var imageOffset: UInt64 = 0
  /// Whether its bytes are a zstd frame; only where the column `isCoded`.
  var hasPackedBytes = false
  /// Where its bytes start once they are unpacked; only where the column `isCoded`.
  var textOffset: UInt64 = 0
}

/// A hash of a multiset of (id, event time, value): equal before and after rows change places.
package struct ContentHash: Sendable, Hashable {
  package var low: UInt64
  package var high: UInt64
  package init(low: UInt64 = 0, high: UInt64 = 0) {
    self.low = low
    self.high = high
  }
  /// The hash of the union.
  package static func + (a: Self, b: Self) -> Self {
    Self(low: a.low &+ b.low, high: a.high &+ b.high)
  }
  /// The hash of what is left when a part is taken away.
  package static func - (a: Self, b: Self) -> Self {
    Self(low: a.low &- b.low, high: a.high &- b.high)
  }
}

/// What the footer says of one column.
struct ColumnRecord: Sendable, Hashable {
  var role: ColumnRole
  /// The feature's id; 0 for the time columns; the list's own for elements.
  var fieldID: UInt32
  var type: DataType
  var encoding: ColumnEncoding = .lanes
  var validity: ValidityMode = .none
  var reference: LaneReference = .none
  /// Rows, nulls included.
  var rows = 0
  var nulls = 0
  /// Stored lanes.
  var lanes = 0
  var traits: LaneTraits = []
  var content = ContentHash()
  var headers = Section()
  var bodies = Section()
  var validityBits = Section()
  var ranks = Section()
  /// Distinct values of a dictionary.
  var dictionaryCount = 0
  var dictionaryOffsets = Section()
  var dictionaryValues = Section()
  var bytes = Section()
  var pages: [PageRecord] = []
  /// The elements of a list column: none or one.
  var elements: [ColumnRecord] = []
  /// Whether some pages are packed by their entropy, so that bodies are read from an image in
  /// memory; headers and validity bits are coded too then, and there are no ranks.
  var isCoded = false
  /// Bytes of all bodies once they are unpacked; only where the column `isCoded`.
  var imageBytes: UInt64 = 0
  /// Bytes of all texts once they are unpacked; only where the column `isCoded`.
  var textBytes: UInt64 = 0

  /// Whether the bytes of some page are a zstd frame.
  var hasPackedBytes: Bool { pages.contains { $0.hasPackedBytes } }
  /// Whether one more lane than there are values says where the last one ends.
  var hasEndLane: Bool { encoding == .plain || encoding == .symbols || encoding == .list }
  /// Whether lanes are offsets into bytes.
  var hasBytes: Bool { encoding == .plain || encoding == .symbols }

  /// Names the column within its file, for seeds.
  var key: UInt64 { UInt64(role.rawValue) << 32 | UInt64(fieldID) | 1 << 63 }

  /// Where the bodies of a page lie as headers count: in the file's section, or in the image.
  func bodies(ofPage page: Int) -> Range<Int> {
    let isLast = page + 1 == pages.count
    guard isCoded else {
      return Int(pages[page].bodyOffset)..<Int(isLast ? bodies.bytes : pages[page + 1].bodyOffset)
    }
    return Int(pages[page].imageOffset)..<Int(isLast ? imageBytes : pages[page + 1].imageOffset)
  }

  /// Where the bytes of a page lie as lanes count: in the file's section, or unpacked.
  func texts(ofPage page: Int) -> Range<Int> {
    let isLast = page + 1 >= pages.count
    guard isCoded else {
      let start = Int(pages[page].bytesOffset)
      return start..<max(start, Int(isLast ? bytes.bytes : pages[page + 1].bytesOffset))
    }
    let start = Int(pages[page].textOffset)
    return start..<max(start, Int(isLast ? textBytes : pages[page + 1].textOffset))
  }

  /// Says that the column's bytes lie further behind: it was packed in a place of its own.
  mutating func move(by bytes: UInt64) {
    headers.offset += bytes
    bodies.offset += bytes
    validityBits.offset += bytes
    ranks.offset += bytes
    dictionaryOffsets.offset += bytes
    dictionaryValues.offset += bytes
    self.bytes.offset += bytes
    for index in elements.indices { elements[index].move(by: bytes) }
  }
}
