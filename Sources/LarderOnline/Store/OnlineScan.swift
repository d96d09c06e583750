import LarderColumns
import LarderFiles
import LarderKeys

/// Looking for rows of keys in the files of online tables.
///
/// Nothing is taken on trust: every unit of every file of a row log is looked at, whether the table
/// names the file or not, whether a record there holds or not.
package struct OnlineScan: Sendable {
  /// Files looked at.
  package private(set) var files = 0
  /// Bytes of them.
  package private(set) var bytes: UInt64 = 0

  package init() {}

  /// The files of a table's folder that hold rows of keys.
  ///
  /// - Throws: `io`; `corrupt` if bytes cannot be read.
  mutating func look(
    for matchers: [KeyMatcher], in folder: String, _ host: Host
  ) throws(LarderError) -> [OnlineErasure.File] {
    var found: [OnlineErasure.File] = []
    if matchers.isEmpty { return found }
    for sequence in try TableFiles.numbers(folder, LogFormat.suffix, host.files) {
      let path = "\(folder)/\(LogFormat.fileName(sequence))"
      let file: any File
      do throws(LarderError) { file = try host.files.open(path, .read) } catch {
        // Emptied and removed meanwhile.
        guard error.code == .notFound else { throw error }
        continue
      }
      let status = try file.status()
      files += 1
      bytes += status.bytes
      guard let count = Int(exactly: status.bytes), count >= LogFormat.unit else { continue }
      let map = try file.mapShared(bytes: count, writable: false)
      let rows = unsafe RowMarks(map.bytes).count(of: matchers)
      withExtendedLifetime(map) {}
      if rows > 0 {
        found.append(
          OnlineErasure.File(path: path, inode: status.inode, device: status.device, rows: rows))
      }
    }
    return found
  }
}

/// What looks like rows in memory that may hold anything.
@safe struct RowMarks {
  private let bytes: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) { unsafe self.bytes = bytes }

  /// How many rows of keys start at some unit, checksums aside.
  ///
  /// - Parameter first: the first unit to look at.
  func count(of matchers: [KeyMatcher], from first: Int = 0) -> Int {
    var rows = 0
    forEachTail(of: matchers, from: first) { _ in rows += 1 }
    return rows
  }

  /// Calls a closure with the key of each row of some keys.
  func forEachTail(
    of matchers: [KeyMatcher], from first: Int = 0, _ body: (UnsafeRawBufferPointer) -> Void
  ) {
    guard let base = unsafe bytes.baseAddress else { return }
    let units = unsafe bytes.count / LogFormat.unit
    for unit in first..<max(first, units) {
      let record = unsafe Record(base: base + unit * LogFormat.unit)
      guard record.kind == RecordKind.row, record.units >= 1, record.units <= units - unit,
        record.isBounded
      else { continue }
      // Bytes that are no key of the table's are none of these.
      do throws(LarderError) {
        if try unsafe matchers.hold(record.tail) { unsafe body(record.tail) }
      } catch { continue }
    }
  }
}
