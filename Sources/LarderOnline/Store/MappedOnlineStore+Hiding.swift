import LarderColumns
import LarderContract
import LarderFiles
import LarderKeys

/// Entities whose erasure history has begun are not shown, whatever the tables hold of them.
extension MappedOnlineStore {
  /// The keys that a view's table does not show, nor count as taken; nil if there are none.
  ///
  /// - Complexity: one load if no erasure is under way.
  func hiddenKeys(of view: ResolvedView) throws(LarderError) -> [KeySelection]? {
    guard let erasures, let hidden = try erasures.hidden() else { return nil }
    return hidden.since(try ErasureMark.newest(in: folder(view.table), host.files))?.selections
  }

  /// The same rows; those of hidden keys have none.
  func visible(_ keys: KeyBatch, in view: ResolvedView) throws(LarderError) -> KeyBatch {
    guard let hidden = try hiddenKeys(of: view) else { return keys }
    return try keys.hiding(hidden)
  }

  /// Whether the key of a tail is not shown.
  func isHidden(
    _ tail: UnsafeRawBufferPointer, _ schema: KeySchema, in view: ResolvedView
  ) throws(LarderError) -> Bool {
    guard let hidden = try hiddenKeys(of: view) else { return false }
    return try unsafe hidden.compactMap { $0.matcher(among: schema) }.hold(tail)
  }

  /// The keys of a batch that is to be written, once its table took in what history erased.
  ///
  /// As long as a reader from before the erasure may still bring rows over, the table cannot take it
  /// in. Rows of history that are hidden then come later; a direct write of such a key is refused.
  ///
  /// - Returns: the keys; of rows that are left out none.
  /// - Throws: `locked` with the row; what writing throws.
  func writable(
    _ keys: KeyBatch, to table: OnlineTable, _ view: ResolvedView, isFromHistory: Bool
  ) throws(LarderError) -> KeyBatch {
    guard let erasures, try erasures.hidden() != nil else { return keys }
    try takeIn(table, view.table)
    guard let hidden = try hiddenKeys(of: view) else { return keys }
    let shown = try keys.hiding(hidden)
    if isFromHistory { return shown }
    for row in 0..<keys.count where keys.mark(row) == .key && shown.mark(row) != .key {
      throw LarderError(
        .locked,
        "The entity of this row is being erased, and readers still hold snapshots from before. "
          + "Write it again once they are done.", file: table.directory, row: row)
    }
    return keys
  }

  /// Lets a table that this store writes to take in what history erased, if that can be.
  func takeIn(_ table: OnlineTable, _ id: UInt32) throws(LarderError) {
    guard let erasures else { return }
    try table.erasing { () throws(LarderError) in
      guard let all = try erasures.hidden(),
        let hidden = all.since(try ErasureMark.newest(in: folder(id), host.files)),
        try erasures.isUnpinned()
      else { return }
      _ = try table.erase(
        hidden.selections, forgetsWatermark: try erasures.haveReturned(hidden))
      try ErasureMark.set(hidden.last, in: folder(id), host.files)
    }
  }
}
