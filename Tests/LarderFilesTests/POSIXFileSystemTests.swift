import Glibc
import LarderColumns
import LarderFiles
import TestSupport
import Testing

@Suite struct POSIXFileSystemTests {
  let files = POSIXFileSystem()
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  func path(_ name: String) -> String { "\(directory.path)/\(name)" }

  @Test func bytesComeBackAsWritten() throws {
    let file = try files.open(path("a"), .create)
    try file.write([1, 2, 3], at: 5)
    #expect(try file.readExactly(8, at: 0) == [0, 0, 0, 0, 0, 1, 2, 3])
    #expect(try file.status().bytes == 8)
    try file.syncData()
    var bytes = [UInt8](repeating: 9, count: 4)
    #expect(try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 6) } == 2)
    #expect(bytes == [2, 3, 9, 9])
    #expect(try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: .max) } == 0)
    let again = try files.open(path("a"), .read)
    #expect(try again.readExactly(3, at: 5) == [1, 2, 3])
    #expect(code { try again.write([1], at: 0) } != nil)
    #expect(code { _ = try again.readExactly(9, at: 0) } == .corrupt)
    #expect(code { try file.write([1, 2], at: UInt64(Int64.max) - 1) } == .limitExceeded)
  }

  @Test func modesOfOpening() throws {
    #expect(code { _ = try files.open(path("a"), .read) } == .notFound)
    #expect(code { _ = try files.open(path("a"), .update) } == .notFound)
    #expect(code { _ = try files.open(path("none/a"), .create) } == .notFound)
    #expect(try files.status(of: path("a")) == nil)
    _ = try files.open(path("a"), .createIfMissing)
    _ = try files.open(path("a"), .createIfMissing)
    _ = try files.open(path("a"), .update)
    #expect(code { _ = try files.open(path("a"), .create) } == .alreadyExists)
    let status = try #require(try files.status(of: path("a")))
    #expect(status.kind == .file && status.bytes == 0)
    let mask = umask(0)
    umask(mask)
    #expect(status.permissions == 0o666 & ~UInt32(mask))
  }

  @Test func onlyRegularFilesOpen() throws {
    _ = try files.open(path("file"), .create)
    symlink(path("file"), path("link"))
    symlink(path("nothing"), path("dangling"))
    mkfifo(path("pipe"), 0o600)
    try files.makeDirectory(path("folder"))
    for name in ["link", "dangling", "pipe", "folder"] {
      for mode in [OpenMode.read, .update, .createIfMissing] {
        if name == "dangling", mode == .read {
          #expect(code { _ = try files.open(path(name), mode) } == .corrupt)
          continue
        }
        #expect(code { _ = try files.open(path(name), mode) } == .corrupt, "\(name), \(mode)")
      }
      #expect(code { _ = try files.open(path(name), .create) } == .alreadyExists)
    }
    #expect(code { _ = try files.open("/dev/null", .read) } == .corrupt)
    #expect(try files.status(of: path("link"))?.kind == .other)
    #expect(try files.status(of: path("dangling"))?.kind == .other)
    #expect(try files.status(of: path("pipe"))?.kind == .other)
    symlink(path("folder"), path("root"))
    #expect(try files.status(of: path("root"))?.kind == .directory)
  }

  @Test func namesAndDirectories() throws {
    try files.makeDirectory(path("d"))
    try files.makeDirectory(path("d"))
    #expect(try files.names(in: path("d")).isEmpty)
    for name in ["x", "y", "ü"] { _ = try files.open(path("d/\(name)"), .create) }
    #expect(try Set(files.names(in: path("d"))) == ["x", "y", "ü"])
    #expect(code { try files.removeDirectory(path("d")) } == .io)
    #expect(code { try files.makeDirectory(path("d/x")) } == .alreadyExists)
    #expect(code { _ = try files.names(in: path("e")) } == .notFound)
    #expect(code { try files.syncDirectory(path("e")) } == .notFound)
    try files.syncDirectory(path("d"))
    #expect(try files.remove(path("d/x")))
    #expect(try !files.remove(path("d/x")))
    try files.remove(path("d/y"))
    try files.remove(path("d/ü"))
    #expect(try files.removeDirectory(path("d")))
    #expect(try !files.removeDirectory(path("d")))
  }

  @Test func linksShareTheFile() throws {
    try files.open(path("a"), .create).write([7], at: 0)
    try files.link(path("a"), as: path("b"))
    #expect(code { try files.link(path("a"), as: path("b")) } == .alreadyExists)
    #expect(code { try files.link(path("c"), as: path("d")) } == .notFound)
    try files.remove(path("a"))
    #expect(try files.open(path("b"), .read).readExactly(1, at: 0) == [7])
  }

  @Test func mapsShowTheFileAndOutliveIt() throws {
    let file = try files.open(path("a"), .create)
    #expect(try file.map(bytes: 0).bytes.count == 0)
    #expect(code { _ = try file.map(bytes: 1) } == .corrupt)
    #expect(code { _ = try file.map(bytes: -1) } == .corrupt)
    try file.write([1, 2, 3], at: 0)
    var sealed: MappedFile? = try file.map(bytes: 3)
    let shared = try file.mapShared(bytes: 2, writable: true)
    let seen = try files.open(path("a"), .read).mapShared(bytes: 2, writable: false)
    UnsafeMutableRawBufferPointer(mutating: shared.bytes)[1] = 9
    #expect(seen.bytes[1] == 9)
    #expect(try file.readExactly(3, at: 0) == [1, 9, 3])
    try files.remove(path("a"))
    #expect(sealed?.bytes[2] == 3)
    sealed = nil
    let reader = try files.open(
      "/proc/self/exe".withCString { String(cString: realpath($0, nil)) }, .read)
    #expect(code { _ = try reader.mapShared(bytes: 1, writable: true) } == .permissionDenied)
  }

  @Test func reservedBytesAreThereAndZero() throws {
    let file = try files.open(path("a"), .create)
    try file.write([1], at: 0)
    try file.reserve(bytes: 10_000)
    try file.reserve(bytes: 100)
    try file.reserve(bytes: 0)
    #expect(try file.status().bytes == 10_000)
    #expect(try file.readExactly(3, at: 0) == [1, 0, 0])
    #expect(code { try file.reserve(bytes: .max) } == .limitExceeded)
  }

  @Test func systemErrorsHaveCodes() throws {
    let error = LarderError.system(ENOSPC, "write", path: "x", offset: 3)
    #expect(error.code == .noSpace && error.offset == 3 && error.systemError == ENOSPC)
    let codes: [Int32: LarderError.Code] = [
      ENOENT: .notFound, EEXIST: .alreadyExists, EDQUOT: .noSpace, EACCES: .permissionDenied,
      EPERM: .permissionDenied, EROFS: .permissionDenied, EMFILE: .limitExceeded,
      ENFILE: .limitExceeded, EFBIG: .limitExceeded, EIO: .io, ENOTDIR: .io,
    ]
    for (number, code) in codes {
      #expect(LarderError.system(number, "read", path: "x").code == code, "errno \(number)")
    }
  }

  @Test func theMachineIsKnown() throws {
    let boot = try files.bootIdentifier()
    #expect(try boot == POSIXFileSystem().bootIdentifier())
    #expect(try files.isLocal(directory.path))
    #expect(code { _ = try files.isLocal(path("none")) } == .notFound)
    let host = Host.system()
    #expect(host.now() > 1_700_000_000_000_000)
    #expect(host.random() != host.random())
  }

  @Test func descriptorLocksExcludeOtherOpens() throws {
    let one = try files.open(path("LOCK"), .create)
    let two = try files.open(path("LOCK"), .update)
    #expect(try one.tryLock(0..<1, .exclusive))
    #expect(try !two.tryLock(0..<1, .exclusive))
    #expect(try !two.tryLock(0..<1, .shared))
    #expect(try two.tryLock(1..<2, .exclusive))
    #expect(try two.conflictingLock(in: 0..<5) == 0..<1)
    #expect(try one.conflictingLock(in: 0..<1) == nil)
    try one.unlock(0..<1)
    #expect(try two.tryLock(0..<1, .shared))
    #expect(try one.tryLock(0..<1, .shared))
    let far = UInt64(Int64.max) - 1
    #expect(try one.tryLock(far..<far + 1, .shared))
    #expect(try two.conflictingLock(in: 1 << 32..<UInt64(Int64.max)) == far..<far + 1)
    #expect(code { _ = try one.tryLock(far..<far + 2, .shared) } == .invalidArgument)
    #expect(code { _ = try one.tryLock(3..<3, .shared) } == .invalidArgument)
    let reader = try files.open(path("LOCK"), .read)
    #expect(code { _ = try reader.tryLock(8..<9, .exclusive) } == .readOnly)
    #expect(try reader.tryLock(8..<9, .shared))
    #expect(try one.conflictingLock(in: 8..<9) == 8..<9)
  }
}
