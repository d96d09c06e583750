import LarderColumns

extension KeyDirectory {
  /// Checks that keys and ids are one to one.
  ///
  /// - Every key that is neither erased nor retired is found under its own id.
  /// - No two live ids have the same key, which follows from that.
  /// - No slot of map or table holds an erased id, one twice, or a tag other than its key's.
  ///
  /// - Throws: `corrupt` at the first violation.
  /// - Complexity: O(keys).
  package func checkInvariants() throws(LarderError) {
    try log.verify()
    try map?.verify()
    var id: UInt32 = 0
    while id < count {
      defer { id += 1 }
      let tail = unsafe try log.tail(of: id)
      let found = try unsafe tail.map { (tail) throws(LarderError) in
        try unsafe self.id(of: tail)
      }
      let isLive = found != nil && !retired.contains(id)
      if isLive, found != id {
        throw violation("the key of id \(id) is found as \(found.map { "\($0)" } ?? "nothing")")
      }
    }
    try checkEntries()
  }

  /// The id of a tail, found the plain way; `UInt32.max` if there is none.
  package func id(of tail: UnsafeRawBufferPointer) throws(LarderError) -> UInt32 {
    try unsafe exactID(tag: tags.tag(of: tail), tail: tail)
  }

  private func checkEntries() throws(LarderError) {
    var seen = [Bool](repeating: false, count: Int(count))
    var entries = table.entries.filter { $0.id < count }
    if let map { entries += map.entries }
    for (tag, id) in entries {
      guard id < count else { throw violation("the key map holds the id \(id) of \(count)") }
      guard !seen[Int(id)] else { throw violation("the id \(id) is in two slots") }
      seen[Int(id)] = true
      let own = try unsafe log.tail(of: id).map { unsafe tags.tag(of: $0) }
      guard own == tag || retired.contains(id) else {
        throw violation("the tag of id \(id) is not its key's")
      }
    }
  }

  private func violation(_ what: String) -> LarderError {
    LarderError(.corrupt, "In the key directory \(what).", file: map?.path ?? log.path)
  }
}
