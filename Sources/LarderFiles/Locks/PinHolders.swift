import Glibc
import LarderColumns

extension SnapshotPins {
  /// Who holds pins on snapshots, in words: `process 4711 (larder join)`.
  ///
  /// Advice and no more: the kernel names no holder of such a lock, but Linux lists the locks of each
  /// open file under `/proc`, for one's own processes. Empty if nobody is found.
  ///
  /// - Complexity: O(open files of all processes).
  package func holders(of pinned: PinnedSnapshots) -> [String] {
    guard let file = posixFile else { return [] }
    do throws(LarderError) {
      let inode = try file.status().inode
      let own = getpid()
      let files = POSIXFileSystem()
      var found: [String] = []
      for name in try files.names(in: "/proc").sorted() {
        guard let process = Int32(name), Self.holds(process, pinned, inode, files) else { continue }
        found.append(process == own ? "this process" : Self.words(process, files))
      }
      return found
    } catch {
      return []
    }
  }

  private static func holds(
    _ process: Int32, _ pinned: PinnedSnapshots, _ inode: UInt64, _ files: POSIXFileSystem
  ) -> Bool {
    let folder = "/proc/\(process)/fdinfo"
    let names: [String]
    // Gone meanwhile, or another user's.
    do throws(LarderError) { names = try files.names(in: folder) } catch { return false }
    for name in names {
      // A file that the process closed meanwhile says nothing of the others.
      do throws(LarderError) {
        let text = try read("\(folder)/\(name)", files)
        for line in text.split(separator: "\n") where line.hasPrefix("lock:") {
          if isLock(line, on: inode, of: pinned) { return true }
        }
      } catch { continue }
    }
    return false
  }

  /// Whether a line such as `lock: 1: OFDLCK ADVISORY READ -1 08:01:12 4294967301 4294967301` is of
  /// a pin.
  private static func isLock(
    _ line: Substring, on inode: UInt64, of pinned: PinnedSnapshots
  ) -> Bool {
    let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
    guard words.contains("OFDLCK"), words.count >= 3,
      let file = words.first(where: { $0.split(separator: ":").count == 3 }),
      file.split(separator: ":").last.map(String.init) == "\(inode)",
      let first = UInt64(words[words.count - 2]),
      let last = UInt64(words[words.count - 1]), first <= last
    else { return false }
    let base = StoreLock.pins.lowerBound
    return pinned.ranges.contains { range in
      first < base + range.upperBound && last >= base + range.lowerBound
    }
  }

  private static func words(_ process: Int32, _ files: POSIXFileSystem) -> String {
    var command = ""
    do throws(LarderError) {
      let words = try read("/proc/\(process)/cmdline", files).split(separator: "\0").prefix(2)
      let program = words.first.map { $0.split(separator: "/").last.map(String.init) ?? "" } ?? ""
      command = ([program] + words.dropFirst().map(String.init)).joined(separator: " ")
    } catch { command = "" }
    let printable = command.utf8.prefix(120).map {
      $0 >= 0x20 && $0 < 0x7F ? $0 : UInt8(ascii: "?")
    }
    return "process \(process) (\(String(decoding: printable, as: UTF8.self)))"
  }

  /// A file of `/proc`, whose size says nothing.
  private static func read(
    _ path: String, _ files: POSIXFileSystem
  ) throws(LarderError) -> String {
    let file = try files.open(path, .read)
    var bytes = [UInt8](repeating: 0, count: 4_096)
    var result: Result<Int, LarderError> = .success(0)
    unsafe bytes.withUnsafeMutableBytes { buffer in
      do throws(LarderError) { result = .success(unsafe try file.read(into: buffer, at: 0)) } catch
      {
        result = .failure(error)
      }
    }
    return String(decoding: bytes[..<(try result.get())], as: UTF8.self)
  }
}
