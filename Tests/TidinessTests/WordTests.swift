import Foundation
import Testing

/// One word for each thing: what a reader meets in code, comments, help and documentation is what
/// `docs/glossary.md` defines.
@Suite struct WordTests {
  /// What is not said, and what is said instead.
  static let replaced = [
    ("question", "query"), ("patience", "timeout"), ("so-manieth", "every n-th"),
    ("for ever", "forever"), ("lies about", "is in small segments"), ("anew", "again"),
    ("gone on with", "continued"),
  ]

  /// Where a word means what it says, a question that is put to a person, or is the earlier spelling
  /// that an error explains.
  static let allowed = [
    "Sources/LarderCommand/Arguments/ConsentArgument.swift": ["question"],
    "Sources/LarderABI/Options.swift": ["patience"],
    "python/pylarder/_maintenance.py": ["patience"],
  ]

  @Test func wordsAreTheField() throws {
    var files = try Repository.sources()
    files += try Repository.files(under: "Sources", ending: [".h", ".c", ".md"])
    files += try Repository.files(under: "python/pylarder", ending: [".py"])
    files += try Repository.files(under: "docs", ending: [".md"])
    #expect(files.count > 400)
    for file in files {
      let text = file.text.lowercased().replacingOccurrences(of: "in question", with: "")
      for (word, instead) in Self.replaced {
        guard Self.allowed[file.path]?.contains(word) != true,
          try Regex("\\b\(word)s?\\b").firstMatch(in: text) != nil
        else { continue }
        Issue.record("\(file) says \"\(word)\"; Larder says \"\(instead)\"")
      }
    }
  }

  /// Two types of one name in two modules make readers and search ambiguous.
  @Test func typesHaveNamesOfTheirOwn() throws {
    var places: [String: Set<String>] = [:]
    for file in try Repository.sources() {
      for line in file.code {
        guard let name = declaredType(line) else { continue }
        places[name, default: []].insert(file.path)
      }
    }
    #expect(places.count > 500)
    for (name, files) in places where files.count > 1 {
      Issue.record("\(name) is declared in \(files.sorted().joined(separator: " and "))")
    }
  }

  /// The name of a type that a line declares at the outermost level.
  private func declaredType(_ line: String) -> String? {
    let words = line.split(separator: " ", omittingEmptySubsequences: false)
    let modifiers: Set<Substring> = [
      "public", "package", "private", "fileprivate", "internal", "final", "indirect", "@safe",
      "@unsafe", "@frozen",
    ]
    guard let keyword = words.firstIndex(where: { !modifiers.contains($0) }),
      ["struct", "class", "enum", "protocol", "actor"].contains(words[keyword]),
      keyword + 1 < words.count
    else { return nil }
    return String(words[keyword + 1].prefix { $0.isLetter || $0.isNumber || $0 == "_" })
  }
}
