import ArgumentParser
import Larder

/// `FIELD=FILE_COLUMN` on the command line.
package struct MappingArgument: ExpressibleByArgument {
  package var field: String
  package var column: String

  package init?(argument: String) {
    guard let equals = argument.firstIndex(of: "=") else { return nil }
    field = String(argument[..<equals])
    column = String(argument[argument.index(after: equals)...])
    guard !field.isEmpty, !column.isEmpty else { return nil }
  }

  /// Mappings, and columns renamed from the file's names to the view's, as one dictionary by the view's.
  ///
  /// - Throws: `invalidArgument` for a field that is mapped twice.
  package static func dictionary(
    _ mappings: [MappingArgument], renaming renamed: [MappingArgument]
  ) throws(LarderError) -> [String: String] {
    let turned = renamed.map { MappingArgument(field: $0.column, column: $0.field) }
    return try dictionary(mappings + turned)
  }

  private init(field: String, column: String) {
    self.field = field
    self.column = column
  }

  /// The mappings as a dictionary.
  ///
  /// - Throws: `invalidArgument` for a field that is mapped twice.
  package static func dictionary(_ mappings: [MappingArgument]) throws(LarderError) -> [String:
    String]
  {
    var map: [String: String] = [:]
    for mapping in mappings {
      guard map.updateValue(mapping.column, forKey: mapping.field) == nil else {
        throw LarderError(.invalidArgument, "\"\(mapping.field)\" is mapped twice.")
      }
    }
    return map
  }
}

/// `ALIAS=VIEW,JOIN_KEY:SPINE_COLUMN,...` on the command line.
package struct ProjectionArgument: ExpressibleByArgument {
  package var projection: Projection

  package init?(argument: String) {
    guard let equals = argument.firstIndex(of: "=") else { return nil }
    let alias = String(argument[..<equals])
    let parts = argument[argument.index(after: equals)...].split(
      separator: ",", omittingEmptySubsequences: false)
    guard !alias.isEmpty, let view = parts.first, !view.isEmpty else { return nil }
    var keys: [String: String] = [:]
    for part in parts.dropFirst() {
      let pair = part.split(separator: ":", omittingEmptySubsequences: false)
      guard pair.count == 2, !pair[0].isEmpty, !pair[1].isEmpty,
        keys.updateValue(String(pair[1]), forKey: String(pair[0])) == nil
      else { return nil }
    }
    projection = .projection(of: String(view), as: alias, joinKeys: keys)
  }
}
