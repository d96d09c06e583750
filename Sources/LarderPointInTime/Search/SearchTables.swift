import CLarderKernels
import LarderColumns
import LarderEncodings
import LarderOffline

/// What a search needs of one segment.
struct SearchedSegment {
  /// The segment, which keeps everything below alive.
  let segment: Segment
  /// The event times, and their column for verification.
  let times: TimeView
  let eventColumn: SegmentColumn
  /// The created times and their column, if the view has them.
  let created: CreatedView?
  let createdColumn: SegmentColumn?
  /// Whether a vector's least difference bounds its created times from below.
  let createdIsBounded: Bool
  /// The least created time; nil if no row has one.
  let minCreated: Int64?
  /// The last commit that gave rows: of two segments that hold a tie, one interval is later.
  let lastCommit: UInt64

  init(_ segment: Segment) throws(LarderError) {
    self.segment = segment
    times = try segment.eventTimes()
    eventColumn = try segment.eventColumn()
    createdColumn = try segment.createdColumn()
    created = try segment.createdTimes()
    lastCommit = segment.description.lastCommit
    minCreated = segment.description.minCreated
    createdIsBounded = SearchedSegment.isBounded(segment.description, created)
  }

  /// Differences that wrapped round, patches, deltas and missing slots have no useful least one.
  private static func isBounded(_ bounds: SegmentDescription, _ created: CreatedView?) -> Bool {
    guard let created, let least = bounds.minCreated, let greatest = bounds.maxCreated,
      !least.subtractingReportingOverflow(bounds.maxEvent).overflow,
      !greatest.subtractingReportingOverflow(bounds.minEvent).overflow,
      created.lanes.traits.isDisjoint(with: [.patches, .delta])
    else { return false }
    return created.validity.mode == .none || created.validity.mode == .bitmap
  }
}

/// What the hot loops read of one segment: plain pointers and numbers, no references.
struct SearchedTimes {
  let times: TimeView
  /// Whether the view has created times.
  let hasCreated: Bool
  /// The least created time; nil if no row has one.
  let minCreated: Int64?
  /// Whether the segment may be touched.
  let isOpen: Bool
}

/// Everything that the searches of one view share; read by all workers.
@safe final class SearchTables: @unchecked Sendable {
  /// How many segments there are.
  let count: Int
  /// What the hot loops read, by ordinal.
  let table: UnsafePointer<SearchedTimes>
  /// What the kernels read, by ordinal.
  let times: UnsafePointer<larder_times>
  private let base: UnsafeMutablePointer<SearchedSegment>
  private let searched: UnsafeMutablePointer<SearchedTimes>
  private let kernelTimes: UnsafeMutablePointer<larder_times>

  /// For each segment whether it may be touched; entries of the others are passed over.
  let isOpen: [Bool]

  /// Opens the time columns of segments.
  ///
  /// - Throws: `corrupt`; errors of the file system.
  init(_ choice: SegmentChoice) throws(LarderError) {
    var opened: [SearchedSegment?] = []
    for (segment, isNeeded) in zip(choice.segments, choice.isNeeded) {
      opened.append(isNeeded ? try SearchedSegment(segment) : nil)
    }
    isOpen = choice.isNeeded
    count = opened.count
    unsafe base = UnsafeMutablePointer<SearchedSegment>.allocate(capacity: max(1, opened.count))
    unsafe searched = UnsafeMutablePointer<SearchedTimes>.allocate(capacity: max(1, opened.count))
    unsafe kernelTimes = UnsafeMutablePointer<larder_times>.allocate(
      capacity: max(1, opened.count))
    unsafe table = UnsafePointer(searched)
    unsafe times = UnsafePointer(kernelTimes)
    // What is not open is never read: its place in the tables only keeps the ordinals.
    guard let any = opened.compactMap(\.self).first else { return }
    for (ordinal, own) in opened.enumerated() {
      let segment = own ?? any
      unsafe (base + ordinal).initialize(to: segment)
      unsafe (kernelTimes + ordinal).initialize(to: larder_times(segment.times))
      unsafe (searched + ordinal).initialize(
        to: SearchedTimes(
          times: segment.times, hasCreated: segment.created != nil,
          minCreated: segment.minCreated, isOpen: own != nil))
    }
  }

  deinit {
    unsafe base.deinitialize(count: isOpen.contains(true) ? count : 0)
    unsafe base.deallocate()
    unsafe searched.deallocate()
    unsafe kernelTimes.deallocate()
  }

  /// Notes for which segments all event times are verified, so that rows need not be asked.
  func noteVerified(_ flags: Lanes<UInt8>) {
    for ordinal in 0..<count where flags[ordinal] == 0 && isOpen[ordinal] {
      let column = self[ordinal].eventColumn
      if (0..<column.pageCount).allSatisfy({ column.isVerified(page: $0) }) { flags[ordinal] = 1 }
    }
  }

  /// Verifies the page of event times that a row lies on.
  ///
  /// - Throws: `corrupt` if it is damaged.
  @inline(never) func verify(_ ordinal: Int, row: Int) throws(LarderError) {
    try self[ordinal].eventColumn.ensureVerified(page: row >> 16)
  }

  /// Room to note which pages are read.
  func touchedPages(_ arena: LaneArena) -> TouchedPages {
    TouchedPages((0..<count).map { isOpen[$0] ? self[$0].segment.rows : 0 }, arena)
  }

  /// The segment of an ordinal.
  subscript(ordinal: Int) -> SearchedSegment {
    @inline(__always) unsafeAddress {
      assert(ordinal >= 0 && ordinal < count)
      return unsafe UnsafePointer(base + ordinal)
    }
  }
}

extension larder_times {
  /// What the kernels read of a view; valid while its segment lives.
  package init(_ view: TimeView) {
    unsafe self.init(
      fences: view.fences,
      headers: UnsafeRawPointer(view.lanes.headers).assumingMemoryBound(to: larder_vector.self),
      body: view.lanes.body.assumingMemoryBound(to: UInt8.self), scales: view.lanes.scales)
  }
}
