import LarderColumns
import LarderFiles

/// The files of one join-key set, told apart by their names and headers.
package enum KeyFolder {
  /// The path of a key log's file.
  package static func logPath(_ directory: String, generation: UInt64) -> String {
    "\(directory)/\(KeyLogFormat.fileName(generation: generation))"
  }

  /// The store that a log's file says it belongs to; nil if it is missing or is no log.
  ///
  /// - Throws: `io`, `permissionDenied`.
  package static func store(
    ofLog path: String, in files: any FileSystem
  ) throws(LarderError) -> FileIdentifier? {
    do throws(LarderError) {
      let head = try files.open(path, .read).readExactly(32, at: 0)
      guard head.starts(with: KeyLogFormat.magic) else { return nil }
      return FileIdentifier(
        high: UInt64(littleEndian: head[16..<24]), low: UInt64(littleEndian: head[24..<32]))
    } catch {
      guard error.code == .notFound || error.code == .corrupt else { throw error }
      return nil
    }
  }

  /// The generations whose files are there, in order.
  ///
  /// - Throws: `io`.
  package static func generations(
    in files: any FileSystem, directory: String
  ) throws(LarderError) -> [UInt64] {
    try names(files, directory).compactMap(generation).sorted()
  }

  /// The paths of key maps that do not belong to a generation of the log, unfinished ones included.
  ///
  /// - Parameter current: the generation that is in use; nil if there is none.
  /// - Throws: `io`.
  package static func foreignMaps(
    in files: any FileSystem, directory: String, current: UInt64?
  ) throws(LarderError) -> [String] {
    var paths: [String] = []
    for name in try names(files, directory) where name.hasSuffix(".map") {
      let path = "\(directory)/\(name)"
      do throws(LarderError) {
        let file = try files.open(path, .read)
        let isWhole = try file.status().bytes >= UInt64(KeyMapHeader.bytes)
        let header =
          isWhole ? KeyMapHeader(try file.readExactly(KeyMapHeader.bytes, at: 0)) : nil
        if header == nil || header?.generation != current { paths.append(path) }
      } catch {
        guard error.code == .notFound || error.code == .corrupt else { throw error }
      }
    }
    return paths
  }

  /// The maps of a folder whose headers hold: the generation of the log that they were built from,
  /// and how many keys it had.
  ///
  /// - Throws: `io`.
  package static func mapsWithCounts(
    in files: any FileSystem, directory: String
  ) throws(LarderError) -> [(path: String, generation: UInt64, count: UInt32)] {
    var found: [(path: String, generation: UInt64, count: UInt32)] = []
    for path in try maps(in: files, directory: directory) {
      do throws(LarderError) {
        let file = try files.open(path, .read)
        guard try file.status().bytes >= UInt64(KeyMapHeader.bytes),
          let header = KeyMapHeader(try file.readExactly(KeyMapHeader.bytes, at: 0))
        else { continue }
        found.append((path, header.generation, header.count))
      } catch {
        guard error.code == .notFound || error.code == .corrupt else { throw error }
      }
    }
    return found
  }

  /// Overwrites by zeros what uncommitted appends left behind a log's committed bytes.
  ///
  /// Only under the append lock.
  ///
  /// - Returns: whether there was anything.
  /// - Throws: `io`, `noSpace`; `notFound` if the file is missing.
  @discardableResult
  package static func clearVoid(
    behind state: KeyLogState, in files: any FileSystem, directory: String
  ) throws(LarderError) -> Bool {
    let file = try files.open(logPath(directory, generation: state.generation), .update)
    let bytes = try file.status().bytes
    var offset = state.length
    var isDirty = false
    while offset < bytes {
      let count = Int(min(bytes - offset, 1 << 20))
      if try file.readExactly(count, at: offset).contains(where: { $0 != 0 }) {
        try file.write([UInt8](repeating: 0, count: count), at: offset)
        isDirty = true
      }
      offset += UInt64(count)
    }
    if isDirty { try file.syncData() }
    return isDirty
  }

  private static func generation(ofFile name: String) -> UInt64? {
    guard name.hasPrefix("keys-"), name.hasSuffix(".log") else { return nil }
    let digits = name.dropFirst(5).dropLast(4)
    guard digits.utf8.count == 20, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      return nil
    }
    return UInt64(digits)
  }

  private static func names(
    _ files: any FileSystem, _ directory: String
  ) throws(LarderError) -> [String] {
    do { return try files.names(in: directory) } catch  where error.code == .notFound {
      return []
    }
  }
}
