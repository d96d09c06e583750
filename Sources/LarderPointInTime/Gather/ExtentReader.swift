import CLarderKernels
import LarderColumns
import LarderEncodings
import LarderOffline

/// Finds where the values of matches begin and end, a batch at a time and some batches ahead of
/// their use, so that cache misses overlap; one worker's.
///
/// For each batch in turn: `prefetch`, a step later `locate`, a step later `find`. What is found is
/// kept until four more batches were.
@safe final class ExtentReader {
  /// Matches that are read together.
  static let batch = 64
  /// Batches of extents that are kept.
  private static let kept = 4

  let sources: ExtentSources
  /// For each segment, 1 if all pages are verified, those of elements too.
  private let verified: Lanes<UInt8>
  private let places: Lanes<larder_place>
  private let unread: Lanes<UInt16>
  private let extents: Lanes<larder_extent>
  private let arena = LaneArena()

  init(_ sources: ExtentSources) {
    self.sources = sources
    verified = arena.lanes(max(1, sources.columns.count))
    unsafe places = arena.lanes(ExtentReader.batch)
    unread = arena.lanes(ExtentReader.batch)
    extents = arena.lanes(ExtentReader.batch * ExtentReader.kept)
  }

  /// The matches of a batch.
  static func range(_ batch: Int, of count: Int) -> Range<Int> {
    batch * ExtentReader.batch..<min(count, (batch + 1) * ExtentReader.batch)
  }

  /// How many batches matches make.
  static func batches(_ count: Int) -> Int { (count + batch - 1) / batch }

  /// Notes for which segments all pages are verified, so that rows need not be asked one by one.
  func begin() {
    sources.lanes.noteVerified(verified)
    for (ordinal, column) in sources.columns.enumerated() where verified[ordinal] == 1 {
      guard let elements = column?.elements else { continue }
      let isWhole = (0..<elements.pageCount).allSatisfy { elements.isVerified(page: $0) }
      verified[ordinal] = isWhole ? 1 : 0
    }
  }

  /// Brings the headers of a batch closer.
  func prefetch(_ matches: Matches, _ batch: Int) {
    unsafe larder_prefetch_headers(sources.lanes.kernelColumns, part(matches, batch))
  }

  /// Verifies a batch's pages and brings its offsets closer.
  ///
  /// - Throws: `corrupt` if a page is damaged.
  func locate(_ matches: Matches, _ batch: Int) throws(LarderError) {
    for match in ExtentReader.range(batch, of: matches.count) {
      let segment = Int(matches.segment[match])
      guard verified[segment] == 0, let column = sources.columns[segment] else { continue }
      let row = Int(matches.row[match])
      if unsafe column.validity.isValid(row) { try column.ensureVerified(rows: row..<row + 1) }
    }
    unsafe larder_locate_values(
      sources.lanes.kernelColumns, part(matches, batch), places.base)
  }

  /// Reads a batch's extents.
  ///
  /// - Throws: `corrupt` if offsets fall.
  func find(_ matches: Matches, _ batch: Int) throws(LarderError) {
    let found = unsafe self.found(batch)
    let missing = unsafe larder_extract_extents(
      sources.lanes.kernelColumns, sources.hasOffsets.base, part(matches, batch), found,
      unread.base)
    for position in 0..<missing {
      let index = Int(unread[position])
      let match = batch * ExtentReader.batch + index
      unsafe found[index] = try sources.extent(
        Int(matches.segment[match]), Int(matches.row[match]))
    }
  }

  /// The extents of a batch.
  func found(_ batch: Int) -> UnsafeMutablePointer<larder_extent> {
    unsafe extents.base + (batch % ExtentReader.kept) * ExtentReader.batch
  }

  func part(_ matches: Matches, _ batch: Int) -> larder_matches {
    unsafe matches.lanes.part(ExtentReader.range(batch, of: matches.count))
  }
}
