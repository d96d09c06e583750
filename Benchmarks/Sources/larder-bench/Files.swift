import Glibc
import Larder

/// A small file's bytes.
func bytes(of path: String) throws(LarderError) -> [UInt8] {
  guard let file = fopen(path, "r") else {
    throw LarderError(.notFound, "It cannot be opened.", file: path)
  }
  defer { fclose(file) }
  var result: [UInt8] = []
  while true {
    let character = fgetc(file)
    if character == EOF { return result }
    result.append(UInt8(truncatingIfNeeded: character))
  }
}

/// Every file below a directory.
func forEachFile(under directory: String, _ body: (String) throws -> Void) throws {
  guard let folder = opendir(directory) else { return }
  defer { closedir(folder) }
  while let entry = readdir(folder) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
      pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if name == "." || name == ".." { continue }
    let path = "\(directory)/\(name)"
    if Int32(entry.pointee.d_type) == Int32(DT_DIR) {
      try forEachFile(under: path, body)
    } else {
      try body(path)
    }
  }
}
