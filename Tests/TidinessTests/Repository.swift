import Foundation

/// The tree that is being tested.
enum Repository {
  /// The folder of Package.swift.
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  struct SourceFile: CustomStringConvertible {
    /// From the root: `Sources/Larder/Larder.swift`.
    let path: String
    let text: String
    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
    var description: String { path }
    /// The folder below Sources or Tests.
    var module: String { String(path.split(separator: "/")[1]) }

    /// The text with comments and the content of string literals blanked, line by line.
    var code: [String] { Repository.code(text) }
  }

  /// The text of a file at a path from the root.
  static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  /// All files below a folder of the root whose names end so.
  static func files(under folder: String, ending: [String]) throws -> [SourceFile] {
    let base = root.appendingPathComponent(folder)
    let names = try FileManager.default.subpathsOfDirectory(atPath: base.path).sorted()
    // What nested packages were built into is not the project's.
    let ours = names.filter { name in
      !name.split(separator: "/").contains { $0.hasPrefix(".build") }
    }
    return try ours.filter { name in ending.contains { name.hasSuffix($0) } }.map { name in
      SourceFile(path: "\(folder)/\(name)", text: try text("\(folder)/\(name)"))
    }
  }

  /// All Swift files of the engine and the command.
  static func sources() throws -> [SourceFile] { try files(under: "Sources", ending: [".swift"]) }
  /// All Swift files of the tests.
  static func tests() throws -> [SourceFile] { try files(under: "Tests", ending: [".swift"]) }

  /// Blanks comments and string literals, so that words in them are not taken for code.
  static func code(_ text: String) -> [String] {
    var lines: [String] = []
    var inMultiline = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      var code = ""
      var inString = false
      var escaped = false
      let characters = Array(line)
      var index = 0
      while index < characters.count {
        let character = characters[index]
        if index + 2 < characters.count, character == "\"", characters[index + 1] == "\"",
          characters[index + 2] == "\""
        {
          inMultiline.toggle()
          index += 3
          continue
        }
        if inMultiline {
          index += 1
          continue
        }
        if inString {
          if escaped {
            escaped = false
          } else if character == "\\" {
            escaped = true
          } else if character == "\"" {
            inString = false
          }
          index += 1
          continue
        }
        if character == "\"" {
          inString = true
          code.append("\"\"")
        } else if character == "/", index + 1 < characters.count, characters[index + 1] == "/" {
          break
        } else {
          code.append(character)
        }
        index += 1
      }
      lines.append(code)
    }
    return lines
  }
}
