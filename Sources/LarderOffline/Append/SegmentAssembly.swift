import LarderColumns
import LarderEncodings
import LarderFiles

/// One segment that several threads write: its columns are packed in any order, and each goes into
/// the file when all before it have.
final class SegmentAssembly: Sendable {
  private let piece: SegmentOutput.Piece
  private let file: any File
  private let identity: SegmentIdentity
  private let options: SegmentOptions
  private let parts: [RowPart]
  private let memory: PackingMemory
  /// What columns are packed by; held while the index is made, and others wait for it then.
  private let packer = ForkSafeMutex<Packer?>(nil)
  /// What they are put into the file by.
  private let writer = ForkSafeMutex<SegmentWriter?>(nil)
  private let progress = ForkSafeMutex(Progress())

  private struct Packer {
    var writer: SegmentWriter
    var picks: RowPicks
  }

  private struct Progress {
    /// Packed columns whose turn has not come.
    var waiting: [Int: PackedColumn] = [:]
    /// The column that comes next.
    var next = 0
    /// Whether a thread is putting columns into the file.
    var isWriting = false
    /// Whether whoever finishes the file is to sync it.
    var wantsSync = false
    var description: SegmentDescription?
  }

  init(
    _ piece: SegmentOutput.Piece, to file: any File, _ identity: SegmentIdentity,
    _ options: SegmentOptions, _ parts: [RowPart], _ memory: PackingMemory
  ) {
    self.piece = piece
    self.file = file
    self.identity = identity
    self.options = options
    self.parts = parts
    self.memory = memory
  }

  /// How many columns there are, the event times included.
  static func columns(of source: some RowSource) -> Int { source.parts.count + 1 }

  /// Makes the segment's index, if no thread has.
  func begin(_ source: some RowSource, _ scratch: ScratchMemory) throws(LarderError) {
    _ = try packer(source, scratch)
  }

  private func packer(
    _ source: some RowSource, _ scratch: ScratchMemory
  ) throws(LarderError) -> Packer {
    try packer.withLock { (found) throws(LarderError) -> Packer in
      if let found { return found }
      let range = piece.range
      let sorted = piece.sorted
      let begun = try SegmentWriter(
        beginning: file, identity,
        ids: sorted.ids.part(range.lowerBound * 4, range.count * 4),
        events: sorted.events.part(range.lowerBound * 8, range.count * 8), count: range.count,
        options: options)
      let rows = sorted.rows.part(range.lowerBound * 4, range.count * 4)
      let made = Packer(writer: begun, picks: source.picks(rows, in: scratch))
      found = made
      writer.withLock { $0 = begun }
      return made
    }
  }

  /// Packs a column, 0 being the event times, and writes what can be written.
  func write(
    _ column: Int, of source: some RowSource, _ scratch: ScratchMemory
  ) throws(LarderError) {
    let packer = try packer(source, scratch)
    let sink = memory.take()
    let part: SegmentPart
    if column == 0 {
      part = .events
    } else {
      let values = try source.gathered(parts[column - 1], packer.picks, in: scratch)
      switch parts[column - 1] {
      case .created: part = .created(values)
      case .feature(let id): part = .feature(id, values)
      }
    }
    let packed = try packer.writer.pack(part, in: sink)
    progress.withLock { $0.waiting[column] = packed }
    try put()
  }

  /// Puts the columns whose turn it is into the file, unless another thread is doing so.
  private func put() throws(LarderError) {
    while true {
      let column = progress.withLock { progress -> PackedColumn? in
        guard !progress.isWriting, let next = progress.waiting[progress.next] else { return nil }
        progress.waiting[progress.next] = nil
        progress.isWriting = true
        return next
      }
      guard let column else { return }
      try writer.withLock { (writer) throws(LarderError) in try writer?.add(column) }
      memory.giveBack(column.sink.memory)
      let isLast = progress.withLock { progress in
        progress.next += 1
        progress.isWriting = false
        return progress.next == parts.count + 1
      }
      if isLast { try finish() }
    }
  }

  private func finish() throws(LarderError) {
    let finished = try writer.withLock {
      (writer) throws(LarderError) -> SegmentDescription? in
      let whole = writer
      writer = nil
      return try whole?.finish()
    }
    // The rows' hashes and places are of no more use.
    packer.withLock { $0 = nil }
    let syncs = progress.withLock { progress in
      progress.description = finished
      return progress.wantsSync
    }
    if syncs { try file.syncData() }
  }

  /// Makes the file durable, now or when it is finished.
  func sync() throws(LarderError) {
    let isFinished = progress.withLock { progress in
      progress.wantsSync = true
      return progress.description != nil
    }
    if isFinished { try file.syncData() }
  }

  /// What was written.
  ///
  /// - Throws: `cancelled` if not all columns were.
  func description() throws(LarderError) -> SegmentDescription {
    guard let description = progress.withLock({ $0.description }) else {
      throw LarderError(.cancelled, "Not every segment was written.")
    }
    return description
  }
}

/// Memory that columns are packed into, used again: as many as threads and columns in waiting.
final class PackingMemory: Sendable {
  private let free = ForkSafeMutex<[ByteSink]>([])

  func take() -> ByteSink { free.withLock { $0.popLast() } ?? ByteSink(capacity: 1 << 20) }

  func giveBack(_ sink: ByteSink) { free.withLock { $0.append(sink) } }
}
