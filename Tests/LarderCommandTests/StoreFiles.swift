import Foundation
import Testing

/// The files of a store's directory, by their kinds, and what they hold.
struct StoreFiles: Equatable {
  /// What a file of a store is for.
  enum Kind: String, CaseIterable, CustomTestStringConvertible {
    case manifest, state, lock, keyLog, segment, onlineRows, onlineIndex
    /// What can be made again from the others: key maps, timelines.
    case derived

    init(path: String) {
      let name = path.split(separator: "/").last.map(String.init) ?? path
      switch name {
      case "LOCK", "PINS": self = .lock
      case "STATE": self = .state
      case _ where name.hasPrefix("manifest-"): self = .manifest
      case _ where name.hasPrefix("keys-") && name.hasSuffix(".log"): self = .keyLog
      case _ where name.hasSuffix(".seg"): self = .segment
      case _ where name.hasSuffix(".rows"): self = .onlineRows
      case _ where name.hasSuffix(".index"): self = .onlineIndex
      default: self = .derived
      }
    }

    var testDescription: String { rawValue }
  }

  /// What each file holds, by its path from the store's directory.
  private(set) var contents: [String: Data] = [:]

  /// Reads all files of a directory.
  init(_ directory: URL) throws {
    for path in try FileManager.default.subpathsOfDirectory(atPath: directory.path) {
      var isDirectory: ObjCBool = false
      let file = directory.appendingPathComponent(path)
      _ = FileManager.default.fileExists(atPath: file.path, isDirectory: &isDirectory)
      if !isDirectory.boolValue { contents[path] = try Data(contentsOf: file) }
    }
  }

  /// The paths of a kind, the largest file first: of segments that is one that a fold made and
  /// that answers rest on.
  func paths(_ kind: Kind) -> [String] {
    let found = contents.filter { Kind(path: $0.key) == kind }
    return found.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }.map(\.key)
  }

  /// The files without LOCK, whose text says who held a lock last.
  var withoutAdvice: [String: Data] { contents.filter { Kind(path: $0.key) != .lock } }

  /// Makes a directory hold these files and no others, but for empty folders.
  func restore(to directory: URL) throws {
    for path in try StoreFiles(directory).contents.keys where contents[path] == nil {
      try FileManager.default.removeItem(at: directory.appendingPathComponent(path))
    }
    for (path, data) in contents {
      let file = directory.appendingPathComponent(path)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try data.write(to: file)
    }
  }
}
