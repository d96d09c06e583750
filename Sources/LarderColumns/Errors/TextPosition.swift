/// A place in a text file, for people: both numbers count from 1.
public struct TextPosition: Sendable, Hashable, CustomStringConvertible {
  /// The line.
  public var line: Int
  /// The character (Unicode scalar) of the line; nil where only the line is known.
  public var character: Int?

  /// Makes a place.
  public init(line: Int, character: Int? = nil) {
    self.line = line
    self.character = character
  }

  /// `12:7`, or `12`.
  public var description: String { character.map { "\(line):\($0)" } ?? "\(line)" }

  /// The place of a byte offset in UTF-8 text.
  ///
  /// - Complexity: O(offset).
  package init(of offset: Int, in text: Span<UInt8>) {
    var line = 1
    var character = 1
    for index in 0..<min(offset, text.count) {
      let byte = text[index]
      if byte == UInt8(ascii: "\n") {
        line += 1
        character = 1
      } else if byte & 0xC0 != 0x80 {
        character += 1
      }
    }
    self.init(line: line, character: character)
  }
}
