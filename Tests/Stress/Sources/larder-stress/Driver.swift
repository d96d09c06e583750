import Glibc
import Larder

/// Starts the roles as processes of their own and waits for them; 0 if none failed.
func runDriver(seconds: Double) throws -> Int32 {
  var template = Array("/tmp/larder-stress-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { throw StressFailure("cannot make a directory") }
  let root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  let path = root + "/store.larder"
  let ledger = root + "/ledger"
  _ = try Ledger(path: ledger, creating: true)
  try FeatureStore(at: path, access: .create).apply(History.definition())
  let roles =
    [("appender", 0), ("appender", 1), ("folder", 0)] + (0..<4).map { ("reader", $0) }
  var children: [(name: String, process: pid_t)] = []
  for (role, number) in roles {
    let process = try start([
      CommandLine.arguments[0], role, "\(number)", path, ledger, "\(seconds)",
    ])
    children.append(("\(role) \(number)", process))
  }
  var failures: Int32 = 0
  for child in children {
    var status: Int32 = 0
    while waitpid(child.process, &status, 0) < 0, errno == EINTR {}
    if status != 0 {
      failures += 1
      print("\(child.name) ended with status \(status)")
    }
  }
  if failures == 0 {
    print("stress: 0 wrong answers, 0 missing files in \(Int(seconds)) s with 7 processes")
    _ = try run(["/bin/rm", "-rf", root])
  } else {
    print("stress: \(failures) processes failed; the store is kept in \(path)")
  }
  return failures == 0 ? 0 : 1
}

private func run(_ words: [String]) throws -> Int32 {
  var status: Int32 = 0
  let process = try start(words)
  while waitpid(process, &status, 0) < 0, errno == EINTR {}
  return status
}

private func start(_ words: [String]) throws -> pid_t {
  var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
  defer { for pointer in pointers { free(pointer) } }
  pointers.append(nil)
  var process: pid_t = 0
  let status = posix_spawn(&process, words[0], nil, nil, pointers, environ)
  guard status == 0 else { throw StressFailure("cannot start \(words[0]): errno \(status)") }
  return process
}
