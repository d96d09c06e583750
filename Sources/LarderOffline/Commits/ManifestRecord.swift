import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// One entry of the manifest: what a commit changed.
package struct ManifestRecord: Sendable {
  /// The commit that the record is; a checkpoint repeats the commit whose state it holds.
  package var commit: Commit
  /// What it says.
  package var body: Body

  /// What a record says.
  package enum Body: Sendable {
    /// The whole state as of its commit. The first record of every file, and only that.
    case checkpoint(StoreState)
    /// The definitions as they are from now on.
    case definitions(Catalog)
    /// Segments that go and come.
    case edit(Edit)
    /// A name for a snapshot comes, moves or goes.
    case tag(Tag)
    /// An earlier state is the newest again.
    case rollback(Rollback)
    /// Ids that are retired: unknown in every snapshot from now on, earlier ones included.
    case erasure(ErasureRecord)
    /// Segments that take the place of others in every snapshot, without the rows of erased ids.
    case substitution(SubstitutionRecord)
    /// Ids of which nothing is left anywhere.
    case erased([UInt64: [UInt32]])
    /// A record of a later version that says that it may be skipped.
    case skipped(type: UInt32)
  }

  /// Why segments went and came; for reports only.
  package enum EditReason: UInt8, Sendable, Hashable, CaseIterable {
    case append = 1
    case replace = 2
    case fold = 3
    case compaction = 4
    case expiry = 5
  }

  /// A snapshot's name, by which it is kept.
  package struct Tag: Sendable, Hashable {
    package var name: String
    /// The snapshot; nil if the tag goes.
    package var commit: UInt64?

    package init(name: String, commit: UInt64?) {
      self.name = name
      self.commit = commit
    }
  }

  /// An earlier state that is the newest again; key logs stay as they are.
  package struct Rollback: Sendable, Hashable {
    /// The snapshot whose state it was.
    package var target: UInt64
    /// Its definitions, with the counters of the later ones.
    package var catalog: Catalog
    /// Its live segments by view.
    package var segments: [UInt64: [SegmentDescription]]

    package init(target: UInt64, catalog: Catalog, segments: [UInt64: [SegmentDescription]]) {
      self.target = target
      self.catalog = catalog
      self.segments = segments
    }
  }

  /// Segments of one view that go and come, and the key logs that grew for them.
  package struct Edit: Sendable, Hashable {
    package var reason: EditReason
    package var view: UInt64
    package var removed: [FileIdentifier]
    package var added: [SegmentDescription]
    /// The state of each key log touched, by join-key set.
    package var keyLogs: [UInt64: KeyLogState]

    package init(
      reason: EditReason, view: UInt64, removed: [FileIdentifier] = [],
      added: [SegmentDescription] = [], keyLogs: [UInt64: KeyLogState] = [:]
    ) {
      self.reason = reason
      self.view = view
      self.removed = removed
      self.added = added
      self.keyLogs = keyLogs
    }
  }
}

/// The numbers by which the records' types go in files; their meaning never changes.
enum ManifestRecordType {
  static let checkpoint: UInt32 = 1
  static let definitions: UInt32 = 2
  static let edit: UInt32 = 3
  static let tag: UInt32 = 5
  static let rollback: UInt32 = 6
  static let erasure: UInt32 = 9
  static let substitution: UInt32 = 10
  static let erased: UInt32 = 11
  /// Types with this bit may be skipped by a version that does not know them.
  static let skippable: UInt32 = 0x8000_0000
}
