import CLarderKernels
import LarderColumns

/// The search for a tag written plainly: the twin of `larder_keys_find`, and what finds all the
/// keys that share a hash.
enum KeyProbe {
  /// The ids of all slots that a search for a tag passes and that have it.
  ///
  /// - Parameters:
  ///   - hash: where the search begins.
  ///   - check: called with each line before it is read.
  static func candidates(
    _ tag: UInt64, hash: UInt64, in table: larder_key_table,
    check: (Int) throws(LarderError) -> Void
  ) throws(LarderError) -> [UInt32] {
    guard let lines = unsafe table.lines else { return [] }
    var found: [UInt32] = []
    var line = unsafe Int(KeyHash.line(of: hash, count: table.homes))
    for _ in unsafe 0..<Int(table.count) {
      try check(line)
      for slot in 0..<Int(LARDER_KEY_SLOTS) {
        let entry = unsafe readSlot(lines + line, slot)
        if entry.id == .max { return found }
        if entry.tag == tag { found.append(entry.id) }
      }
      line = unsafe line + 1 == Int(table.count) ? 0 : line + 1
    }
    return found
  }

  /// All tags and ids of a table.
  static func entries(of table: larder_key_table) -> [(tag: UInt64, id: UInt32)] {
    guard let lines = unsafe table.lines else { return [] }
    var all: [(tag: UInt64, id: UInt32)] = []
    for line in unsafe 0..<Int(table.count) {
      for slot in 0..<Int(LARDER_KEY_SLOTS) {
        let entry = unsafe readSlot(lines + line, slot)
        if entry.id != .max { all.append(entry) }
      }
    }
    return all
  }
}

extension KeyTable {
  /// All tags and ids.
  var entries: [(tag: UInt64, id: UInt32)] { unsafe KeyProbe.entries(of: table.pointee) }

  /// The ids of all keys with a tag.
  func candidates(_ tag: UInt64) -> [UInt32] {
    do throws(LarderError) {
      return try unsafe KeyProbe.candidates(
        tag, hash: tags.hash(ofTag: tag), in: table.pointee
      ) { _ in }
    } catch { return [] }
  }
}

extension KeyMap {
  /// All tags and ids, whose blocks must have been checked.
  var entries: [(tag: UInt64, id: UInt32)] { unsafe KeyProbe.entries(of: table.pointee) }

  /// The ids of all keys with a tag.
  ///
  /// - Throws: `corrupt` if a block that the search passes does not hold.
  func candidates(_ tag: UInt64) throws(LarderError) -> [UInt32] {
    try unsafe KeyProbe.candidates(tag, hash: tags.hash(ofTag: tag), in: table.pointee) {
      (line) throws(LarderError) in try verify(block: line / KeyMapHeader.blockLines)
    }
  }
}
