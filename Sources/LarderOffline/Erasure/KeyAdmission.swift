import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

extension Store {
  /// Gives ids to keys that history never had rows of, so that they can be retired like others.
  ///
  /// An entity that only online tables know is forgotten by the same steps then: what is begun is
  /// remembered in the manifest, and hidden at once. Nothing is done for a join-key set that no view
  /// has any more.
  ///
  /// - Throws: `readOnly`, `locked`, `corrupt`, `noSpace`, `io`; `outcomeUnknown`.
  package func admit(_ keys: KeySelection) throws(LarderError) {
    let held = try writerLocks().acquire(.append, timeout: options.lockTimeout)
    defer { held.release() }
    let state = try settle()
    for set in state.catalog.keySets where try set.schema() == keys.schema {
      guard let view = state.catalog.views.first(where: { $0.keySet == set.id }) else { continue }
      var unknown = keys.allTails
      if let log = state.keyLogs[set.id] {
        let directory = try directory(
          of: set, store: state.fileIdentity, at: log, erasures: state.erasures)
        unknown = try unknown.missing(in: directory, count: log.count)
      }
      if unknown.isEmpty { continue }
      let intake = try KeyIntake(self, set, state)
      let ids = Buffer(uninitializedBytes: unknown.count * 4)
      try intake.assign([KeyBatch(tails: unknown, of: keys.schema)], into: ids)
      try intake.write()
      guard let log = intake.written else { continue }
      let planned = state.keyLogs[set.id]
      _ = try commit { newest throws(LarderError) in
        guard newest.keyLogs[set.id] == planned, newest.catalog.view(id: view.id) != nil else {
          throw LarderError(
            .conflict, "The key log changed while keys were added; nothing was. Try again.",
            file: layout.keys)
        }
        return .edit(
          ManifestRecord.Edit(reason: .append, view: view.id, keyLogs: [set.id: log]))
      }
      intake.didCommit()
    }
  }
}

extension [[UInt8]] {
  /// The tails that a directory has no id of.
  fileprivate func missing(
    in directory: KeyDirectory, count: UInt32
  ) throws(LarderError) -> [[UInt8]] {
    var missing: [[UInt8]] = []
    for tail in self {
      var id: Result<UInt32, LarderError> = .success(.max)
      unsafe tail.withUnsafeBytes { bytes in
        do throws(LarderError) { id = .success(unsafe try directory.id(of: bytes)) } catch {
          id = .failure(error)
        }
      }
      if try id.get() >= count { missing.append(tail) }
    }
    return missing
  }
}
