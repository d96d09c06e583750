import LarderColumns
import LarderFiles
import Synchronization

/// Files in memory, whose bytes a test can alter: for what happens to logs and maps on disk.
final class HeapFiles: FileSystem {
  let contents = Mutex<[String: [UInt8]]>([:])

  func open(_ path: String, _ mode: OpenMode) throws(LarderError) -> any File {
    let exists = contents.withLock { $0[path] != nil }
    if !exists, mode == .read || mode == .update {
      throw LarderError(.notFound, "There is no such file.", file: path)
    }
    if exists, mode == .create { throw LarderError(.alreadyExists, "It exists.", file: path) }
    if !exists { contents.withLock { $0[path] = [] } }
    return HeapFile(path: path, files: self)
  }
  func status(of path: String) throws(LarderError) -> FileStatus? {
    contents.withLock { $0[path] }.map {
      FileStatus(kind: .file, bytes: UInt64($0.count), device: 1, inode: 1, permissions: 0o600)
    }
  }
  func names(in directory: String) throws(LarderError) -> [String] {
    contents.withLock { $0.keys }.filter { $0.hasPrefix(directory + "/") }
      .map { String($0.dropFirst(directory.count + 1)) }
  }
  func makeDirectory(_ path: String) throws(LarderError) {}
  func syncDirectory(_ path: String) throws(LarderError) {}
  func remove(_ path: String) throws(LarderError) -> Bool {
    contents.withLock { $0.removeValue(forKey: path) != nil }
  }
  func removeDirectory(_ path: String) throws(LarderError) -> Bool { false }
  func link(_ path: String, as newPath: String) throws(LarderError) {
    contents.withLock { $0[newPath] = $0[path] }
  }
  func bootIdentifier() throws(LarderError) -> FileIdentifier { FileIdentifier(high: 0, low: 0) }
  func isLocal(_ directory: String) throws(LarderError) -> Bool { true }

  /// Reads or replaces a file's bytes.
  subscript(path: String) -> [UInt8]? {
    get { contents.withLock { $0[path] } }
    set { contents.withLock { $0[path] = newValue } }
  }
}

final class HeapFile: File {
  let path: String
  private let files: HeapFiles
  init(path: String, files: HeapFiles) {
    self.path = path
    self.files = files
  }
  private var bytes: [UInt8] { files[path] ?? [] }
  func status() throws(LarderError) -> FileStatus {
    FileStatus(
      kind: .file, bytes: UInt64(bytes.count), device: 1, inode: 1, permissions: 0o600)
  }
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(LarderError)
    -> Int
  {
    let rest = bytes.dropFirst(Int(offset)).prefix(buffer.count)
    buffer.copyBytes(from: rest)
    return rest.count
  }
  func write(_ source: UnsafeRawBufferPointer, at offset: UInt64) throws(LarderError) {
    let new = Array(source)
    files.contents.withLock { contents in
      var bytes = contents.removeValue(forKey: path) ?? []
      let end = Int(offset) + new.count
      if bytes.count < end {
        bytes.append(contentsOf: repeatElement(0, count: end - bytes.count))
      }
      bytes.replaceSubrange(Int(offset)..<end, with: new)
      contents[path] = bytes
    }
  }
  func syncData() throws(LarderError) {}
  func reserve(bytes: UInt64) throws(LarderError) {}
  func tryLock(_ range: Range<UInt64>, _ kind: LockKind) throws(LarderError) -> Bool { true }
  func unlock(_ range: Range<UInt64>) throws(LarderError) {}
  func conflictingLock(in range: Range<UInt64>) throws(LarderError) -> Range<UInt64>? { nil }
  func map(bytes count: Int) throws(LarderError) -> MappedFile {
    let all = bytes
    guard all.count >= count else {
      throw LarderError(.corrupt, "The file is shorter.", file: path, offset: UInt64(all.count))
    }
    let copy = Buffer(copying: Array(all.prefix(count)))
    return MappedFile(path: path, bytes: copy.bytes) { _ = copy.count }
  }
  func mapShared(bytes: Int, writable: Bool) throws(LarderError) -> MappedFile {
    try map(bytes: bytes)
  }
}
