import Glibc

/// Processes beside the tests.
enum OnlineProcess {
  /// The workload's program, which lies beside the tests.
  static func program() throws -> String {
    var path = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &path, 4095)
    var folder = String(
      decoding: path.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    if let test = CommandLine.arguments.first(where: { $0.hasSuffix(".xctest") }) { folder = test }
    let directory = folder.split(separator: "/").dropLast().joined(separator: "/")
    return "/\(directory)/OnlineWorkload"
  }

  /// Starts a program.
  static func start(_ program: String, _ arguments: [String]) throws -> pid_t {
    var child: pid_t = 0
    var words = ([program] + arguments).map { strdup($0) }
    words.append(nil)
    defer { for word in words { free(word) } }
    let status = posix_spawn(&child, program, nil, nil, words, environ)
    guard status == 0 else { throw POSIXFailure(errno: status) }
    return child
  }

  /// Waits for a process; 0 if it ended well.
  static func exitStatus(_ child: pid_t) -> Int32 {
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    return status
  }

  /// Runs a program to its end; 0 if it ended well.
  static func run(_ program: String, _ arguments: [String]) throws -> Int32 {
    exitStatus(try start(program, arguments))
  }
}
