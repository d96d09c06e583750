import LarderColumns
import LarderFiles

/// The constants of the segment file, version 1; `FORMAT.md` is their prose.
enum SegmentLayout {
  /// `LSEG\r\n^Z\n`: a transfer in text mode, or one that stops at ^Z, damages it.
  static let headerMagic: [UInt8] = [0x4C, 0x53, 0x45, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
  /// `LSEGEND1`.
  static let trailerMagic: [UInt8] = Array("LSEGEND1".utf8)
  static let headerBytes = 64
  static let trailerBytes = 64
  static let majorVersion: UInt16 = 1
  static let minorVersion: UInt16 = 0
  /// Sections start at multiples of this, so that no header or word straddles a cache line.
  static let alignment = 16
  /// Rows between two fences of the event time column.
  static let fenceRows = 64
  /// Rows between two ranks of a sparse column: their bits are one cache line.
  static let rankRows = 512
  /// Columns of one segment: features, event time and created time.
  static let columns = Limits.featuresPerView + 2
  /// Bytes of a footer: a bound against absurd lengths.
  static let footerBytes = 256 << 20
}

/// What a section holds; part of the seed of its hash.
enum SectionKind: UInt32, Sendable {
  case fileHeader = 1
  case footer = 2
  case trailer = 3
  case entityIDs = 4
  case runStarts = 5
  case fences = 6
  case headers = 7
  case bodies = 8
  case validity = 9
  case ranks = 10
  case dictionaryOffsets = 11
  case dictionaryValues = 12
  case bytes = 13
}

/// Bytes of the file under one hash.
struct Section: Sendable, Hashable {
  var offset: UInt64 = 0
  /// Bytes, padding to the next section included.
  var bytes: UInt64 = 0
  var hash: UInt64 = 0
}

/// Makes the seeds that bind a hash to its file, its column and its position.
struct SegmentSeeds: Sendable {
  private let uuid: FileIdentifier

  init(_ uuid: FileIdentifier) { self.uuid = uuid }

  /// The seed of a section, or of a page of one.
  ///
  /// - Parameters:
  ///   - column: `ColumnRecord.key` of the column, 0 for what belongs to none.
  ///   - page: the ordinal of the page, 0 for whole sections.
  func seed(_ kind: SectionKind, column: UInt64 = 0, page: Int = 0) -> UInt64 {
    let words = [
      uuid.high, uuid.low, column, UInt64(kind.rawValue) << 32 | UInt64(UInt32(page)),
    ]
    return unsafe words.withUnsafeBytes { unsafe XXH3.hash64($0) }
  }
}
