import EngineFuzzing
import Glibc
import TestSupport
import Testing

/// What fuzzing of the engine's own files found, kept and replayed; and some more, from a seed.
///
/// A trap ends the run: that is the finding.
@Suite struct EngineFuzzTests {
  private static let corpus =
    "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/") + "/Tests/Fuzz/Corpus"

  static let targets = EngineFuzzing.targets.keys.sorted()

  @Test(arguments: targets) func keptInputsAreSurvived(target: String) throws {
    let survive = try #require(EngineFuzzing.targets[target])
    let inputs = try Self.inputs(of: target)
    #expect(!inputs.isEmpty, "\(target) has no corpus")
    for input in inputs { survive(input) }
  }

  @Test(arguments: targets) func randomInputsAreSurvived(target: String) throws {
    let survive = try #require(EngineFuzzing.targets[target])
    let seed: UInt64 = 20_261_122
    var random = SeededRandom(seed: seed)
    let rounds = ["segment": 60, "lanes": 3_000, "keys": 3_000][target] ?? 12
    for _ in 0..<rounds {
      // Few changes: many at once are refused by the first check.
      let count = target == "keys" || target == "lanes" ? 120 : 24
      let input = (0..<random.int(4...count)).map { _ in UInt8(random.int(0...255)) }
      survive(input)
    }
  }

  private static func inputs(of target: String) throws -> [[UInt8]] {
    let folder = "\(corpus)/\(target)"
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var inputs: [[UInt8]] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasPrefix(".") { continue }
      let file = try #require(fopen("\(folder)/\(name)", "r"))
      defer { fclose(file) }
      var bytes = [UInt8](repeating: 0, count: 1 << 20)
      let count = fread(&bytes, 1, bytes.count, file)
      inputs.append(Array(bytes[..<count]))
    }
    return inputs
  }
}
