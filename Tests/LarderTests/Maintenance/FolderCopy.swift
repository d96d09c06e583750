import LarderFiles

/// Copies a directory as `cp -r` does.
func copyFolder(_ source: String, to target: String) throws {
  let files = POSIXFileSystem()
  try files.makeDirectory(target)
  for name in try files.names(in: source) {
    let path = "\(source)/\(name)"
    if try files.status(of: path)?.kind == .directory {
      try copyFolder(path, to: "\(target)/\(name)")
    } else {
      let file = try files.open(path, .read)
      try files.copy(file, bytes: try file.status().bytes, to: "\(target)/\(name)")
    }
  }
}

/// Where a folder of the repository's fixtures lies.
func fixture(_ name: String) -> String {
  "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/") + "/fixtures/" + name
}
