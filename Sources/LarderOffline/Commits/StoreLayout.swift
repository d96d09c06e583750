import LarderColumns
import LarderFiles

/// Where the parts of a store lie in its directory.
package struct StoreLayout: Sendable, Hashable {
  /// The store's directory.
  package let root: String

  package init(root: String) {
    var root = root
    while root.utf8.count > 1, root.hasSuffix("/") { root.removeLast() }
    self.root = root
  }

  package var keys: String { root + "/keys" }
  package var offline: String { root + "/offline" }
  package var online: String { root + "/online" }

  /// The folder of a join-key set.
  package func keyFolder(_ set: UInt64) -> String { "\(keys)/k\(set)" }
  /// The folder of a view's segments.
  package func viewFolder(_ view: UInt64) -> String { "\(offline)/v\(view)" }
  /// A segment's file.
  package func segment(_ description: SegmentDescription) -> String {
    "\(viewFolder(description.viewID))/\(description.fileName)"
  }

  /// The directory that holds the store's.
  var parent: String {
    guard let slash = root.lastIndex(of: "/") else { return "." }
    return slash == root.startIndex ? "/" : String(root[..<slash])
  }

  /// Whether a name in the store's directory is one that Larder gives.
  static func isOurs(_ name: String) -> Bool {
    ["LOCK", "PINS", "STATE", "keys", "offline", "online"].contains(name)
      || ManifestFile.number(of: name) != nil
  }
}

extension StoreLayout {
  /// What there is to open.
  enum Finding { case nothing, unfinished, store }

  /// Looks at the directory without changing anything.
  ///
  /// - Throws: `notAStore` for a file, or a directory of something else; `permissionDenied` for one
  ///   that others may write; `unsupported` for writing on a file system that cannot be trusted.
  func examine(
    access: StoreAccess, options: StoreOptions, files: any FileSystem
  ) throws(LarderError) -> Finding {
    guard let status = try files.status(of: root) else { return .nothing }
    guard status.kind == .directory else {
      throw LarderError(
        .notAStore, "A store is a directory, and this is a file. Name another path.", file: root)
    }
    if access != .readOnly {
      guard try files.isLocal(root) else {
        throw LarderError(
          .unsupported,
          "The directory lies on a network or FUSE file system, whose locks and syncs cannot be "
            + "trusted. Keep the store on a local disk, or open it read-only.", file: root)
      }
      guard options.allowsSharedDirectory || status.permissions & 0o022 == 0 else {
        throw LarderError(
          .permissionDenied,
          "Group or others may write to the directory (mode \(String(status.permissions, radix: 8)))"
            + ". Take that right away with chmod go-w, or allow shared directories.", file: root)
      }
    }
    let names = try files.names(in: root)
    if names.contains(BackupFolder.markName),
      !names.contains(where: { ManifestFile.number(of: $0) != nil })
    {
      throw LarderError(
        .notAStore,
        "This is a copy that a backup did not finish. Run the backup to this directory again.",
        file: root)
    }
    if let foreign = names.first(where: { !Self.isOurs($0) }), !names.contains("LOCK") {
      throw LarderError(
        .notAStore,
        "The directory is not empty and not a Larder store: it holds \"\(foreign)\". Name a new or "
          + "an empty directory.", file: root)
    }
    if names.contains(where: { ManifestFile.number(of: $0) != nil }) { return .store }
    // The folders are made once the first manifest is durable.
    if names.contains("offline") || names.contains("keys") {
      throw LarderError(
        .corrupt, "The store's manifest is gone; its data is still there. Restore it from a copy.",
        file: root)
    }
    return names.isEmpty ? .nothing : .unfinished
  }
}
