import LarderColumns

/// How a file came to be in a copy of a directory.
package enum CopiedBy: Sendable, Hashable {
  /// It has a second name; the bytes are there once.
  case link
  /// It was written again.
  case copy
}

extension FileSystem {
  /// Gives a sealed file a second name, or writes it again where that cannot be: on another device,
  /// or on a file system without links.
  ///
  /// The caller syncs the directory.
  ///
  /// - Throws: `notFound` if the file is gone; `alreadyExists`; `noSpace`, `io`.
  package func linkOrCopy(
    _ path: String, to newPath: String
  ) throws(LarderError) -> CopiedBy {
    do throws(LarderError) {
      try link(path, as: newPath)
      return .link
    } catch {
      if error.code == .notFound || error.code == .alreadyExists { throw error }
    }
    let file = try open(path, .read)
    try copy(file, bytes: try file.status().bytes, to: newPath)
    return .copy
  }

  /// Writes the first bytes of a file again, durably.
  ///
  /// - Parameter total: bytes of the new file, if it is to be longer; zeros follow.
  /// - Throws: `corrupt` if the file is shorter; `alreadyExists`; `noSpace`, `io`.
  package func copy(
    _ file: any File, bytes: UInt64, to newPath: String, extendedTo total: UInt64? = nil
  ) throws(LarderError) {
    let target = try open(newPath, .create)
    if let total { try target.reserve(bytes: total) }
    var offset: UInt64 = 0
    while offset < bytes {
      let count = Int(min(bytes - offset, 1 << 20))
      try target.write(try file.readExactly(count, at: offset), at: offset)
      offset += UInt64(count)
    }
    try target.syncData()
  }
}
