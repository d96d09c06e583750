import Glibc
import LarderColumns
import LarderFiles

@testable import LarderOffline

/// Looks through every file of a store, as bytes and decoded.
struct ErasureSearch {
  private let files: any FileSystem
  private let root: String

  /// What was found of the marked entities.
  struct Hits: Hashable {
    var rawStrings = 0
    var rawIDs = 0
    var rawFloats = 0
    var decodedStrings = 0
    var decodedFloats = 0
    var decodedIntegers = 0
  }

  init(_ root: String, in files: any FileSystem = POSIXFileSystem()) {
    self.root = root
    self.files = files
  }

  /// Every file below the root.
  func paths() throws -> [String] {
    func below(_ directory: String) throws -> [String] {
      try files.names(in: directory).sorted().flatMap { name in
        let path = directory + "/" + name
        return try files.status(of: path)?.kind == .directory ? try below(path) : [path]
      }
    }
    return try below(root)
  }

  private func bytes(_ path: String) throws -> [UInt8] {
    let file = try files.open(path, .read)
    return try file.readExactly(Int(try file.status().bytes), at: 0)
  }

  /// How often bytes occur in all files.
  func count(of pattern: [UInt8]) throws -> Int {
    try paths().reduce(0) { try $0 + Self.count(of: pattern, in: bytes($1)) }
  }

  private static func count(of pattern: [UInt8], in bytes: [UInt8]) -> Int {
    bytes.withUnsafeBytes { bytes in
      guard let first = pattern.first, let base = bytes.baseAddress else { return 0 }
      var at = 0
      var count = 0
      while bytes.count - at >= pattern.count,
        let hit = memchr(base + at, Int32(first), bytes.count - at - pattern.count + 1)
      {
        at = UnsafeRawPointer(hit) - base
        if memcmp(base + at, pattern, pattern.count) == 0 { count += 1 }
        at += 1
      }
      return count
    }
  }

  /// A file that held something.
  struct HoldingFile {
    var path: String
    var inode: UInt64
    var kind: String
  }

  /// Every file below the root by its inode.
  func inodes() throws -> [UInt64: String] {
    var found: [UInt64: String] = [:]
    for path in try paths() { found[try files.status(of: path)?.inode ?? 0] = path }
    return found
  }

  /// The files in which any mark lies, as bytes or decoded.
  func inodesThatHold(_ world: ErasureWorld) throws -> [HoldingFile] {
    var found: [HoldingFile] = []
    for path in try paths() {
      var hits = Hits()
      try look(at: path, &hits)
      guard hits != Hits() else { continue }
      found.append(
        HoldingFile(
          path: path, inode: try files.status(of: path)?.inode ?? 0,
          kind: "." + String(path.split(separator: ".").last ?? "")))
    }
    return found
  }

  func hits(of world: ErasureWorld) throws -> Hits {
    var hits = Hits()
    for path in try paths() { try look(at: path, &hits) }
    return hits
  }

  private func look(at path: String, _ hits: inout Hits) throws {
    let bytes = try bytes(path)
    hits.rawStrings += Self.count(of: Array("MARKED".utf8), in: bytes)
    // The upper half of marked ids and the mark among the integers.
    hits.rawIDs += Self.count(of: [0xA1, 0xE7, 0xC2, 0x5E], in: bytes)
    for index in [0, 3, 600, 1_497] {
      let score = ErasureWorld.score(index, 0).bitPattern
      hits.rawFloats += withUnsafeBytes(of: score.littleEndian) { pattern in
        Self.count(of: Array(pattern), in: bytes)
      }
    }
    if path.hasSuffix(".seg") { try look(into: path, &hits) }
  }

  /// Decodes all columns of a segment, and the dictionaries with them.
  private func look(into path: String, _ hits: inout Hits) throws {
    let segment = try Segment(path: path, files: files, expected: nil)
    for feature in segment.features {
      guard let type = feature.type else { continue }
      let column = try segment.decode(fieldID: feature.fieldID, rows: 0..<segment.rows, as: type)
      for row in 0..<column.count { Self.look(at: column[row], &hits) }
      guard column.isDictionary, let dictionary = column.dictionary else { continue }
      for row in 0..<dictionary.count { Self.look(at: dictionary[row], &hits) }
    }
    for error in segment.verifyDeep() { throw error }
  }

  private static func look(at value: Value, _ hits: inout Hits) {
    switch value {
    case .string(let text): if text.hasPrefix("MARKED") { hits.decodedStrings += 1 }
    case .float64(let number): if number >= 9.0e12 { hits.decodedFloats += 1 }
    case .float32(let number): if number >= 9.0e12 { hits.decodedFloats += 1 }
    case .int64(let number): if number == 0x5EC2_E7A1_1111 { hits.decodedIntegers += 1 }
    case .list(let values): for value in values { look(at: value, &hits) }
    default: return
    }
  }
}
