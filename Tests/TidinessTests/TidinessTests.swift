import Foundation
import Testing

/// Holds the whole tree to the rules that reviews would otherwise repeat.
@Suite struct TidinessTests {
  /// The layers from the ground up; each imports only layers before it.
  ///
  /// C targets are the ground.
  static let layers = [
    "CZstd", "CLZ4", "CDeflate", "CBrotli", "CLarderKernels", "CLarder", "CLarderCommand",
    "LarderColumns",
    "LarderContract", "LarderFiles",
    "LarderEncodings", "LarderKeys", "LarderOffline", "LarderPointInTime", "LarderOnline",
    "LarderInterchange", "Larder", "LarderFoundation", "LarderConformance", "LarderABI",
    "LarderCommand",
  ]

  /// What a layer may import from outside the package.
  static let outside: [String: Set<String>] = [
    "LarderFoundation": ["Foundation"],
    "LarderCommand": ["Glibc", "Dispatch", "Synchronization", "ArgumentParser"],
  ]
  static let outsideForAll: Set<String> = ["Glibc", "Dispatch", "Synchronization"]

  private func imports(_ file: Repository.SourceFile) -> [String] {
    file.code.compactMap { line in
      let words = line.split(separator: " ")
      guard let keyword = words.firstIndex(of: "import"), keyword + 1 < words.count,
        words[..<keyword].allSatisfy({ $0.hasPrefix("@") || $0 == "public" || $0 == "package" })
      else { return nil }
      return String(words[keyword + 1].split(separator: ".")[0])
    }
  }

  @Test func layersImportOnlyLayersBelow() throws {
    let files = try Repository.sources()
    #expect(files.count > 50)
    for file in files {
      let own = try #require(Self.layers.firstIndex(of: file.module), "\(file) is on no layer")
      for name in imports(file) {
        if let layer = Self.layers.firstIndex(of: name) {
          #expect(layer < own, "\(file) imports \(name), which is not below it")
        } else {
          let allowed = Self.outside[file.module] ?? Self.outsideForAll
          #expect(allowed.contains(name), "\(file) imports \(name)")
        }
      }
    }
    // The contract and the columns do no I/O and know no file.
    for file in files where ["LarderColumns", "LarderContract"].contains(file.module) {
      #expect(!imports(file).contains("LarderFiles"), "\(file)")
    }
    // The conformance checks stand beside the engine: they must run on a store they do not know.
    for file in files where file.module == "LarderConformance" {
      #expect(
        Set(imports(file)).isSubset(of: ["LarderColumns", "LarderContract", "Synchronization"]),
        "\(file)")
    }
  }

  @Test func engineNeverTrapsOrSwallowsOnPurpose() throws {
    let banned = ["try!", "as!", "try?", "unowned(unsafe)"]
    for file in try Repository.sources() {
      for (index, line) in file.code.enumerated() {
        for word in banned where " \(line)".contains(" \(word)") || line.contains("(\(word)") {
          Issue.record("\(file):\(index + 1) uses \(word)")
        }
        if let place = forceUnwrap(in: line) {
          Issue.record("\(file):\(index + 1) unwraps by force at column \(place)")
        }
      }
    }
  }

  /// A `!` behind a name, a bracket or a parenthesis that is no comparison.
  private func forceUnwrap(in line: String) -> Int? {
    let characters = Array(line)
    for index in characters.indices.dropFirst() where characters[index] == "!" {
      let before = characters[index - 1]
      let after = index + 1 < characters.count ? characters[index + 1] : " "
      let follows = before.isLetter || before.isNumber || before == ")" || before == "]"
      if follows, after != "=" { return index + 1 }
    }
    return nil
  }

  @Test func theForceUnwrapFinderFinds() {
    #expect(forceUnwrap(in: "let a = b!") == 10)
    #expect(forceUnwrap(in: "f(x)!.y") == 5)
    #expect(forceUnwrap(in: "if a != b, !c { }") == nil)
    #expect(Repository.code("let a = \"b!\" // c!")[0].contains("!") == false)
  }

  @Test func filesHoldOneIdea() throws {
    for file in try Repository.sources() + Repository.tests() {
      let count = file.lines.count - (file.text.hasSuffix("\n") ? 1 : 0)
      #expect(count <= 500, "\(file) has \(count) lines")
      #expect(file.text.hasSuffix("\n"), "\(file) does not end in a newline")
      for (index, line) in file.lines.enumerated() {
        if line.last == " " { Issue.record("\(file):\(index + 1) ends in a space") }
        if line.contains("\t") { Issue.record("\(file):\(index + 1) holds a tab") }
      }
    }
    for file in try Repository.files(under: "Sources", ending: [".c", ".h"]) {
      #expect(file.lines.count <= 501, "\(file) has \(file.lines.count) lines")
    }
  }

  @Test func foldersAreNamedByConcept() throws {
    let banned: Set<String> = ["Utils", "Util", "Helpers", "Helper", "Common", "Misc", "Manager"]
    for file in try Repository.sources() {
      let parts = file.path.split(whereSeparator: { $0 == "/" || $0 == "." || $0 == "+" })
      #expect(banned.isDisjoint(with: parts.map(String.init)), "\(file)")
    }
  }

  /// A file that declares nothing, or of which nobody uses anything, is a remnant.
  @Test func everyFileIsUsed() throws {
    let sources = try Repository.sources()
    var users: [Substring: Int] = [:]
    func words(_ file: Repository.SourceFile) -> Set<Substring> {
      var words: Set<Substring> = []
      for line in file.lines where !line.drop(while: { $0 == " " }).hasPrefix("//") {
        words.formUnion(line.split { !($0.isLetter || $0.isNumber || $0 == "_") })
      }
      return words
    }
    let others = try Repository.files(under: "Sources", ending: [".h", ".c"])
    for file in sources + others {
      for word in words(file) { users[word, default: 0] += 1 }
    }
    let keywords: Set<Substring> = [
      "func", "var", "let", "struct", "class", "enum", "protocol", "typealias", "case",
    ]
    for file in sources where !file.text.contains("@_exported") {
      var declared: Set<Substring> = []
      for line in file.code {
        let parts = line.split { !($0.isLetter || $0.isNumber || $0 == "_") }
        for (place, part) in parts.enumerated().dropLast() where keywords.contains(part) {
          declared.insert(parts[place + 1])
        }
      }
      let isUsed = declared.contains { users[$0, default: 0] > 1 }
      #expect(isUsed, "\(file): nothing outside of it uses what it declares")
    }
  }

  @Test func nothingIsLeftForLater() throws {
    // Spelled apart, so that this file does not find itself.
    let words = [
      "TO" + "DO", "FIX" + "ME", "XX" + "X:", "Place" + "holder", "/wo" + "rk/", "HA" + "CK",
    ]
    var files = try Repository.sources() + Repository.tests()
    files += try Repository.files(under: "Sources", ending: [".c", ".h", ".md"])
    for path in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "Package.swift", ".ci/run"] {
      files.append(Repository.SourceFile(path: "./\(path)", text: try Repository.text(path)))
    }
    for file in files {
      for (index, line) in file.lines.enumerated() {
        for word in words where line.contains(word) {
          Issue.record("\(file):\(index + 1) says \(word)")
        }
      }
    }
  }

  @Test func manifestUsesNoUnsafeFlags() throws {
    let manifest = try Repository.text("Package.swift")
    #expect(!Repository.code(manifest).joined().contains("unsafeFlags"))
    let packages = manifest.components(separatedBy: ".package(url:").count - 1
    #expect(packages == 1, "the root manifest depends on swift-argument-parser alone")
  }

  @Test func readmeExampleIsTheTestedOne() throws {
    let readme = try Repository.text("README.md")
    let block = try #require(readme.components(separatedBy: "```swift\n").dropFirst().first)
    let example = try #require(block.components(separatedBy: "```").first)
    let tested = try Repository.text("Tests/ExampleTests/Example.swift")
    #expect(tested.contains(example), "the first Swift block of README.md is not in Example.swift")
    let ownImports = try Repository.files(under: "Tests/ExampleTests", ending: [".swift"])
      .flatMap(imports)
    #expect(Set(ownImports).isSubset(of: ["Larder", "Testing"]))
  }

  @Test func fixturesNameTheirSources() throws {
    let readme = try Repository.text("fixtures/README.md")
    let files = try Repository.files(under: "fixtures", ending: [".csv", ".json"])
    for file in files where !file.path.hasSuffix("definitions.json") {
      let name = String(file.path.dropFirst("fixtures/".count))
      #expect(readme.contains("`\(name)`"), "fixtures/README.md does not name \(name)")
    }
  }
}
