import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys
import Synchronization

extension Manifest {
  /// What a new file's checkpoint leaves out, because no living snapshot needs it.
  ///
  /// It is told the least snapshot that may still be pinned, as STATE says it.
  typealias Pruning = (inout StoreState, _ published: UInt64) throws(LarderError) -> Void

  /// Appends a commit.
  ///
  /// The caller holds the commit lock.
  ///
  /// - Parameters:
  ///   - now: the clock, in microseconds.
  ///   - pruning: applied to the state that a new file's checkpoint holds.
  ///   - plan: makes the record from the newest state, or nil if there is nothing to change; what
  ///     it throws leaves everything as it was.
  /// - Returns: the state after the commit, and whether there was one.
  /// - Throws: `poisoned` after a failed sync; `outcomeUnknown` at a failed sync; `noSpace`, `io`
  ///   with nothing changed; what `plan` throws.
  func commit(
    now: Int64, pruning: Pruning,
    plan: (StoreState) throws(LarderError) -> ManifestRecord.Body?
  ) throws(LarderError) -> (state: StoreState, didCommit: Bool) {
    try inner.withLock { inner throws(LarderError) in
      guard !inner.isPoisoned else { throw poisoned }
      let filled = try prepare(&inner, pruning)
      guard let body = try plan(try state(of: inner)) else {
        return (try state(of: inner), false)
      }
      try append(body, now: now, filled: filled, pruning, &inner)
      return (try state(of: inner), true)
    }
  }

  /// Begins the manifest of a new store.
  func create(store: FileIdentifier, now: Int64, number: UInt64) throws(LarderError) {
    try inner.withLock { inner throws(LarderError) in
      let head = Commit(id: 0, time: Timestamp(microseconds: now), chainHash: 0)
      try writeFile(
        StoreState(store: store, head: head), number: number, chain: 0, &inner)
    }
  }

  /// Begins the manifest of a copy, whose files are all durable.
  func create(copying state: StoreState) throws(LarderError) {
    try inner.withLock { inner throws(LarderError) in
      _ = try writeFile(state, number: 1, chain: 0, &inner)
    }
  }

  /// The newest state, if a record may follow it as things are.
  ///
  /// STATE is trusted then, no sync failed, and only zeros follow the word. Else nil: `settle` is to
  /// be called under the commit lock. Takes no lock and writes nothing.
  ///
  /// - Throws: `poisoned`; as `refresh()`.
  /// - Complexity: three system calls.
  func settled() throws(LarderError) -> StoreState? {
    try inner.withLock { inner throws(LarderError) in
      guard !inner.isPoisoned else { throw poisoned }
      try refresh(&inner)
      guard let page = inner.page, try isLast(inner, page), let loaded = inner.loaded else {
        return nil
      }
      try loaded.state.features.checkWriting(directory)
      // A whole record begins where the last one ends, and not with zeros.
      var next = [UInt8](repeating: 0, count: Int(ManifestFile.blockBytes))
      var failure: LarderError?
      unsafe next.withUnsafeMutableBytes { buffer in
        do throws(LarderError) {
          _ = unsafe try loaded.position.file.read(into: buffer, at: loaded.position.end)
        } catch { failure = error }
      }
      if let failure { throw failure }
      return next.contains { $0 != 0 } ? nil : loaded.state
    }
  }

  /// Makes every whole record there is part of history, and publishes it.
  ///
  /// The caller holds the commit lock.
  ///
  /// - Throws: `poisoned`, `noSpace`, `io`, `corrupt`.
  func settle(pruning: Pruning) throws(LarderError) -> StoreState {
    try inner.withLock { inner throws(LarderError) in
      guard !inner.isPoisoned else { throw poisoned }
      _ = try prepare(&inner, pruning)
      return try state(of: inner)
    }
  }

  private var poisoned: LarderError {
    LarderError(
      .poisoned, "An earlier sync of the manifest failed; close the store and open it again.",
      file: directory)
  }

  // MARK: Before a commit

  /// Brings the newest file to a state in which a record may follow its last one.
  ///
  /// - Returns: how many bytes of the file are there already.
  func prepare(_ inner: inout Inner, _ pruning: Pruning) throws(LarderError) -> UInt64 {
    if !inner.pageIsWritable {
      inner.page = try StatePage.openForWriting(statePath, files)
      inner.pageIsWritable = true
      inner.published = nil
    }
    guard let page = inner.page else { throw poisoned }
    try refresh(&inner)
    try inner.loaded?.state.features.checkWriting(directory)
    if try isLast(inner, page), var loaded = inner.loaded {
      let durable = loaded.position.end
      let tail = try loaded.replayAll()
      if loaded.position.end == durable {
        guard let torn = tail.tornThrough else { return tail.fileBytes }
        if try clear(durable...torn, of: loaded, page, &inner) { return tail.fileBytes }
        throw poisoned
      }
    }
    return try adopt(&inner, pruning)
  }

  /// Whether STATE can be trusted and names the newest file, in which this version may go on.
  private func isLast(_ inner: Inner, _ page: StatePage) throws(LarderError) -> Bool {
    guard inner.published != nil, !page.isPoisoned, let position = inner.loaded?.position,
      position.major == ManifestFile.major
    else { return false }
    return try files.status(of: path(position.number + 1)) == nil
  }

  /// Overwrites a torn record by zeros, so that a shorter one leaves nothing of it behind.
  ///
  /// - Returns: false if that could not be made durable; then the writer is poisoned.
  private func clear(
    _ range: ClosedRange<UInt64>, of loaded: LoadedManifest, _ page: StatePage,
    _ inner: inout Inner
  ) throws(LarderError) -> Bool {
    let file = try files.open(path(loaded.position.number), .update)
    let zeros = [UInt8](repeating: 0, count: Int(range.upperBound - range.lowerBound) + 1)
    do {
      try file.write(zeros, at: range.lowerBound)
      try file.syncData()
      return true
    } catch {
      page.poison()
      inner.isPoisoned = true
      return false
    }
  }

  /// Keeps every whole record there is in a file of its own, whatever became of the old one.
  private func adopt(_ inner: inout Inner, _ pruning: Pruning) throws(LarderError) -> UInt64 {
    guard let newest = try numbers().first, var loaded = try loadNewest(after: nil) else {
      throw LarderError(.notAStore, "There is no manifest in this directory.", file: directory)
    }
    _ = try loaded.replayAll()
    var state = loaded.state
    // What another store's manifest says, put in the place of this one's, must not become this one's.
    try checkOwnership(state)
    try state.features.checkWriting(directory)
    try pruning(&state, retained(inner))
    return try writeFile(state, number: newest + 1, chain: loaded.position.chain, &inner)
  }

  /// Refuses a manifest beside which lie the key logs of another store.
  private func checkOwnership(_ state: StoreState) throws(LarderError) {
    let layout = StoreLayout(root: directory)
    for (set, log) in state.keyLogs {
      let path = KeyFolder.logPath(layout.keyFolder(set), generation: log.generation)
      guard let other = try KeyFolder.store(ofLog: path, in: files), other != state.fileIdentity
      else { continue }
      throw LarderError(
        .corrupt,
        "The manifest is of the store \(state.fileIdentity), and this key log is of \(other). "
          + "Restore the manifest, or the whole store, from a copy.", file: path)
    }
  }

  /// Writes a file with a checkpoint, makes it durable, and publishes it.
  @discardableResult
  func writeFile(
    _ state: StoreState, number: UInt64, chain: UInt64, _ inner: inout Inner
  ) throws(LarderError) -> UInt64 {
    guard number <= UInt64(UInt32.max) else {
      throw LarderError(.limitExceeded, "The store has had 2^32 manifest files.", file: directory)
    }
    let header = ManifestFile.Header(
      store: state.store, number: number, firstCommit: state.head.id)
    let record = try ManifestFile.encode(
      .checkpoint(state), id: state.head.id, time: state.head.time.ticks, previous: chain,
      store: state.store, at: UInt64(ManifestFile.headerBytes))
    var bytes = header.encoded() + record.bytes
    let end = UInt64(bytes.count)
    let filled = (end + 4_095) / 4_096 * 4_096 + ManifestFile.ahead
    guard filled <= Limits.manifestBytes else {
      throw LarderError(.limitExceeded, "The checkpoint has \(end) bytes.", file: directory)
    }
    bytes += [UInt8](repeating: 0, count: Int(filled - end))
    let file = try files.open(path(number), .create)
    do {
      try file.write(bytes, at: 0)
      try file.syncData()
      try files.syncDirectory(directory)
    } catch {
      // What is left of it was never published; the next writer takes a higher number.
      do { try files.remove(path(number)) } catch {}
      throw error
    }
    let status = try file.status()
    var state = state
    if state.history.last != state.head { state.history.append(state.head) }
    let position = ManifestPosition(
      file: file, number: number, major: ManifestFile.major, store: state.store,
      device: status.device,
      inode: status.inode, end: end, chain: record.chainHash, edits: 0)
    if !inner.pageIsWritable {
      inner.page = try StatePage.openForWriting(statePath, files)
      inner.pageIsWritable = true
    }
    let word = StatePage.Word(file: number, length: end)
    // What a trusted page says is gone stays gone; an untrusted one may speak of another store.
    let gone = retained(inner)
    let isKnown = inner.published != nil || inner.surpassed != nil
    // What a copy's page says holds too, if it was said in this boot.
    let isOfThisBoot = inner.page?.claims(of: state.store)?.boot == boot
    let unsure =
      (isKnown || isOfThisBoot) && !isPageBehind(inner)
      ? inner.page?.unsureBefore ?? state.head.id : state.head.id
    let sequence =
      inner.page?.publish(
        position.identity(boot: boot), word, chain: position.chain,
        oldestRetained: max(gone, state.history.first?.id ?? 0), unsureBefore: unsure,
        isTrusted: isKnown) ?? 0
    inner.loaded = LoadedManifest(position: position, state: state)
    inner.stand(for: StatePage.Published(sequence: sequence, word: word, chain: position.chain))
    return filled
  }

  // MARK: The commit

  private func append(
    _ body: ManifestRecord.Body, now: Int64, filled: UInt64, _ pruning: Pruning,
    _ inner: inout Inner
  ) throws(LarderError) {
    var filled = filled
    if let loaded = inner.loaded,
      loaded.position.end >= rotateBytes || loaded.position.edits >= rotateEdits
    {
      filled = try rotate(loaded, filled: filled, pruning, &inner)
    }
    guard var loaded = inner.loaded, let page = inner.page else { throw poisoned }
    let head = loaded.state.head
    let time = max(now, head.time.ticks &+ 1)
    guard head.id < UInt64(Int64.max) >> 1, time > head.time.ticks else {
      throw LarderError(.limitExceeded, "The store has had too many commits.", file: directory)
    }
    let record = try ManifestFile.encode(
      body, id: head.id + 1, time: time, previous: loaded.position.chain,
      store: loaded.position.store, at: loaded.position.end)
    let commit = Commit(
      id: head.id + 1, time: Timestamp(microseconds: time), chainHash: record.chainHash)
    // Applied to a copy first: a record that a reader would refuse is never written.
    try loaded.state.apply(body, commit: commit)
    let end = loaded.position.end + UInt64(record.bytes.count)
    guard end <= Limits.manifestBytes else {
      throw LarderError(.limitExceeded, "The manifest file is full.", file: directory)
    }
    let file = try files.open(path(loaded.position.number), .update)
    do {
      try write(record.bytes, at: loaded.position.end, of: file, filled: filled)
    } catch {
      // Some of it may be there; a whole record would be taken for a commit.
      let written = min(end, try file.status().bytes)
      let start = loaded.position.end
      guard written > start else { throw error }
      if try clear(start...written - 1, of: loaded, page, &inner) { throw error }
      throw outcomeUnknown(of: commit, error)
    }
    do { try file.syncData() } catch {
      page.poison()
      inner.isPoisoned = true
      throw outcomeUnknown(of: commit, error)
    }
    loaded.position.end = end
    loaded.position.chain = record.chainHash
    loaded.position.edits += 1
    let word = StatePage.Word(file: loaded.position.number, length: end)
    let sequence = page.publish(word, chain: record.chainHash)
    inner.loaded = loaded
    inner.stand(
      for: StatePage.Published(sequence: sequence, word: word, chain: record.chainHash))
  }

  /// Writes a record, and zeros ahead of it where the file ends.
  private func write(
    _ record: [UInt8], at offset: UInt64, of file: any File, filled: UInt64
  ) throws(LarderError) {
    let end = offset + UInt64(record.count)
    guard end > filled else {
      try file.write(record, at: offset)
      return
    }
    let target = min((end + 4_095) / 4_096 * 4_096 + ManifestFile.ahead, Limits.manifestBytes)
    do {
      try file.write(record + [UInt8](repeating: 0, count: Int(target - end)), at: offset)
    } catch  where error.code == .noSpace {
      // The record itself may still fit.
      try file.write(record, at: offset)
    }
  }

  /// Begins a new file, unless the disk is full; then the old one goes on.
  private func rotate(
    _ loaded: LoadedManifest, filled: UInt64, _ pruning: Pruning, _ inner: inout Inner
  ) throws(LarderError) -> UInt64 {
    var state = loaded.state
    try pruning(&state, retained(inner))
    do {
      return try writeFile(
        state, number: loaded.position.number + 1, chain: loaded.position.chain, &inner)
    } catch  where error.code == .noSpace {
      return filled
    }
  }

  private func outcomeUnknown(of commit: Commit, _ error: LarderError) -> LarderError {
    LarderError(
      .outcomeUnknown,
      "The record of commit \(commit.id) with the chain hash "
        + "\(String(commit.chainHash, radix: 16)) could not be made durable, so it may or may not "
        + "survive a crash: \(error.message) Once something else was committed, `larder snapshots` "
        + "lists it with this hash if it became history; repeat what was to be done only if not.",
      file: error.file, offset: error.offset, systemError: error.systemError)
  }
}
