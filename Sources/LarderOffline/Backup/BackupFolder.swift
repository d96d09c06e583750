import LarderColumns
import LarderFiles

/// The directory of a copy in the making.
///
/// A file in it says so, and is locked as long as the copying goes on. Without the lock it tells the
/// next run that everything beside it is what a run that was cut off left.
final class BackupFolder {
  static let markName = "COPYING"

  let layout: StoreLayout
  private let host: Host
  private var files: any FileSystem { host.files }
  private let mark: any File
  /// Whether the directory was not there before.
  private let isNew: Bool

  private var markPath: String { "\(layout.root)/\(Self.markName)" }

  /// Takes the directory, and clears away what a run that was cut off left in it.
  ///
  /// - Throws: `alreadyExists` if it holds something else; `locked` if another run copies there;
  ///   `notFound` if its parent is missing; `noSpace`, `io`.
  init(_ layout: StoreLayout, host: Host) throws(LarderError) {
    self.layout = layout
    self.host = host
    let files = host.files
    let taken = LarderError(
      .alreadyExists, "There is something there already. Name a new or an empty directory.",
      file: layout.root)
    let path = "\(layout.root)/\(Self.markName)"
    var names: [String] = []
    if let status = try files.status(of: layout.root) {
      guard status.kind == .directory else { throw taken }
      names = try files.names(in: layout.root)
      isNew = false
    } else {
      try files.makeDirectory(layout.root)
      isNew = true
    }
    guard names.isEmpty || names.contains(Self.markName) else { throw taken }
    mark = try files.open(path, .createIfMissing)
    guard try mark.tryLock(0..<1, .exclusive) else {
      throw LarderError(
        .locked, "Another backup to this directory is under way.", file: layout.root)
    }
    if names.contains(Self.markName) {
      guard try Self.isUntouched(layout, host) else { throw taken }
      try clear()
    }
    try files.syncDirectory(layout.root)
  }

  /// Whether nobody wrote to what a run left, had it come so far that it was a store.
  private static func isUntouched(
    _ layout: StoreLayout, _ host: Host
  ) throws(LarderError) -> Bool {
    let manifest = try Manifest(layout.root, host: host)
    let numbers = try manifest.numbers()
    guard let newest = numbers.first else { return true }
    guard numbers == [1], var loaded = try manifest.loadNewest(after: nil) else {
      return numbers == [1] && newest == 1
    }
    _ = try loaded.replayAll()
    return loaded.position.edits == 0
  }

  /// Removes everything but the mark; the manifest first, so that what is left is no store.
  private func clear() throws(LarderError) {
    let names = try files.names(in: layout.root).filter { $0 != Self.markName }
    for name in names where ManifestFile.number(of: name) != nil {
      try files.remove("\(layout.root)/\(name)")
    }
    try files.syncDirectory(layout.root)
    for name in names { try remove("\(layout.root)/\(name)") }
  }

  /// Removes a file, or a directory with what is in it.
  func remove(_ path: String) throws(LarderError) {
    guard let status = try files.status(of: path) else { return }
    guard status.kind == .directory else {
      try files.remove(path)
      return
    }
    for name in try files.names(in: path) { try remove("\(path)/\(name)") }
    try files.removeDirectory(path)
  }

  /// Removes everything, after a failure.
  func abandon() {
    // What cannot be removed is cleared away by the next run, which finds the mark.
    do throws(LarderError) {
      try clear()
      try files.remove(markPath)
      if isNew { try files.removeDirectory(layout.root) }
    } catch { return }
  }

  /// Says that the copy is whole.
  func finish() throws(LarderError) {
    try files.remove(markPath)
    try files.syncDirectory(layout.root)
  }
}
