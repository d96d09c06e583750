import LarderColumns
import LarderFiles

/// How hard a writer tries, and for whom.
package enum SegmentProfile: UInt8, Sendable, Hashable {
  /// For joins: a value costs one header and one or two lines.
  case hot = 0
  /// For archives: smaller, read a vector at a time.
  case cold = 1
}

/// What a segment is, apart from its rows.
package struct SegmentIdentity: Sendable, Hashable {
  /// Names the file and seeds its hashes; never used twice.
  package var uuid: FileIdentifier
  package var viewID: UInt64
  /// The unit of event and created time.
  package var unit: TimeUnit
  /// The first and the last commit that gave rows.
  package var commits: ClosedRange<UInt64>
  /// The half-open range of event times of the partition, where there is one.
  package var partition: Range<Int64>?

  package init(
    uuid: FileIdentifier, viewID: UInt64, unit: TimeUnit, commits: ClosedRange<UInt64>,
    partition: Range<Int64>? = nil
  ) {
    self.uuid = uuid
    self.viewID = viewID
    self.unit = unit
    self.commits = commits
    self.partition = partition
  }
}

/// Options of a segment writer.
package struct SegmentOptions: Sendable, Hashable {
  package var profile: SegmentProfile
  /// Whether every page is decoded again and compared before it is written.
  package var checksPages: Bool

  package init(profile: SegmentProfile = .hot, checksPages: Bool? = nil) {
    self.profile = profile
    #if DEBUG
      self.checksPages = checksPages ?? true
    #else
      self.checksPages = checksPages ?? false
    #endif
  }
}
