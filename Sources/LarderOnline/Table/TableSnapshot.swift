import LarderColumns
import LarderContract

/// What readers need of a table: maps and definitions of one moment; immutable.
///
/// Its maps live as long as it does, so a segment that compaction removed goes when the last read
/// that began before is done.
final class TableSnapshot: Sendable {
  let lookup: KeyLookup
  let state: TableState
  /// The index's count of changes to segments and definitions when this was made.
  let generation: UInt64
  /// The number of the newest index file when an index in memory had to be built, because that file
  /// could not be trusted; else nil.
  let privateAfter: UInt64?
  private let schemas: [RowSchema?]

  init(
    lookup: KeyLookup, state: TableState, generation: UInt64, privateAfter: UInt64? = nil
  ) {
    self.privateAfter = privateAfter
    self.lookup = lookup
    self.state = state
    self.generation = generation
    var schemas = [RowSchema?](repeating: nil, count: Int(state.lastSchemaID) + 1)
    for schema in state.schemas {
      schemas[Int(schema.id)] = schema
    }
    self.schemas = schemas
  }

  /// The definition under which a row was written; nil if it is newer than the snapshot.
  func schema(_ id: Int) -> RowSchema? { id < schemas.count ? schemas[id] : nil }

  /// The error for a row that does not match its checksum.
  func damagedRow(_ slot: Slot) -> LarderError {
    LarderError(
      .corrupt,
      "A row of the online table does not match its checksum. Restore the store, or drop the "
        + "table and materialize the view again.",
      file: lookup.segments.segment(number: slot.number)?.path,
      offset: UInt64(slot.unit * LogFormat.unit))
  }

  /// The error for files that somebody cut short while they were read.
  var truncated: LarderError {
    LarderError(
      .corrupt,
      "A file of the online table was cut short while it was read. Restore the store, or drop the "
        + "table and materialize the view again.",
      file: lookup.segments.segments.last?.path)
  }

  /// Whether segments or definitions changed since, or the index can no longer be trusted.
  var isBehind: Bool {
    lookup.index.loadAcquiring(IndexFormat.generation) != generation
      || lookup.index.load(IndexFormat.retired) != 0 || lookup.index.isTruncated
  }
}
