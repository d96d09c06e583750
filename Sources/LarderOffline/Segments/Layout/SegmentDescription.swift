import LarderFiles

/// What the manifest knows of a segment: enough to plan with, and to check the file against.
///
/// All bounds are exact, so that [min id, max id] x [min event, max event] x
/// [first commit, last commit] is the segment's box.
package struct SegmentDescription: Sendable, Hashable {
  /// Names the file: `<uuid>.seg`.
  package var uuid: FileIdentifier
  /// The view's id, never reused.
  package var viewID: UInt64
  /// Rows, at least 1.
  package var rows: Int
  /// Bytes of the file.
  package var fileBytes: UInt64
  /// The least entity id.
  package var minID: UInt32
  /// The greatest entity id.
  package var maxID: UInt32
  /// The least event time, in ticks of the view's unit.
  package var minEvent: Int64
  /// The greatest event time.
  package var maxEvent: Int64
  /// The least created time; nil where no row has one.
  package var minCreated: Int64?
  /// The greatest created time; nil where no row has one.
  package var maxCreated: Int64?
  /// Rows without a created time.
  package var nullCreated: Int
  /// The first commit that gave rows.
  package var firstCommit: UInt64
  /// The last commit that gave rows.
  package var lastCommit: UInt64
  /// The hash of the footer, which holds the hash of everything else.
  package var footerHash: UInt64
  /// The half-open range of event times of its partition, where it has one.
  package var partition: Range<Int64>?

  package init(
    uuid: FileIdentifier, viewID: UInt64, rows: Int, fileBytes: UInt64, minID: UInt32,
    maxID: UInt32, minEvent: Int64, maxEvent: Int64, minCreated: Int64?, maxCreated: Int64?,
    nullCreated: Int, firstCommit: UInt64, lastCommit: UInt64, footerHash: UInt64,
    partition: Range<Int64>?
  ) {
    self.uuid = uuid
    self.viewID = viewID
    self.rows = rows
    self.fileBytes = fileBytes
    self.minID = minID
    self.maxID = maxID
    self.minEvent = minEvent
    self.maxEvent = maxEvent
    self.minCreated = minCreated
    self.maxCreated = maxCreated
    self.nullCreated = nullCreated
    self.firstCommit = firstCommit
    self.lastCommit = lastCommit
    self.footerHash = footerHash
    self.partition = partition
  }

  /// The file's name.
  package var fileName: String { "\(uuid).seg" }
}
