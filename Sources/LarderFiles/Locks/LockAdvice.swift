import Glibc
import LarderColumns

/// Who holds a lock, in plain text in LOCK, for the message of whoever waits in vain.
///
/// Advice and no more: the kernel does not name the holder of such a lock, and the text may be
/// stale or torn. So it is not synced, and a failure to write or read it is not an error.
enum LockAdvice {
  /// The bytes of one lock's text: a line, padded with spaces.
  static let bytes: UInt64 = 256

  /// Leaves this process's text after it took a lock.
  ///
  /// - Parameter microseconds: the time since 1970.
  static func write(_ lock: StoreLock, to file: any File, since microseconds: Int64) {
    guard let offset = lock.adviceOffset else { return }
    let line = "process \(getpid()) (\(command)) since \(instant(microseconds))"
    var text = Array(line.utf8.prefix(Int(bytes) - 1))
    text += [UInt8](repeating: UInt8(ascii: " "), count: Int(bytes) - 1 - text.count)
    text.append(UInt8(ascii: "\n"))
    // A full disk must not keep anyone from locking.
    do throws(LarderError) { try file.write(text, at: offset) } catch {}
  }

  /// The text of a lock's last holder, or that it is unknown.
  static func read(_ lock: StoreLock, from file: any File) -> String {
    let unknown = "an unknown process"
    guard let offset = lock.adviceOffset else { return unknown }
    do throws(LarderError) {
      let text = try file.readExactly(Int(bytes), at: offset)
      guard text.last == UInt8(ascii: "\n"),
        text.dropLast().allSatisfy({ $0 >= 0x20 && $0 < 0x7F }),
        let end = text.dropLast().lastIndex(where: { $0 != UInt8(ascii: " ") })
      else { return unknown }
      return String(decoding: text[...end], as: UTF8.self)
    } catch {
      return unknown
    }
  }

  /// The program and its first argument, such as "larder compact", in printable ASCII.
  private static let command: String = {
    let words = CommandLine.arguments.prefix(2)
    let program = words.first.map { $0.split(separator: "/").last.map(String.init) ?? $0 } ?? "?"
    let text = ([program] + words.dropFirst()).joined(separator: " ")
    return String(
      decoding: text.utf8.prefix(120).map { $0 >= 0x20 && $0 < 0x7F ? $0 : UInt8(ascii: "?") },
      as: UTF8.self)
  }()

  private static func instant(_ microseconds: Int64) -> String {
    var seconds = Int(microseconds / 1_000_000)
    var parts = unsafe tm()
    guard unsafe gmtime_r(&seconds, &parts) != nil else { return "an unknown time" }
    func padded(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let time = unsafe [
      parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
      parts.tm_sec,
    ].map { padded(Int($0)) }
    return "\(time[0])-\(time[1])-\(time[2])T\(time[3]):\(time[4]):\(time[5])Z"
  }
}
