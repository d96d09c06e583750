import Larder
import LarderInterchange

/// `key=value` words that together name one entity.
enum EntityKeyArgument {
  /// The values of a view's join keys, in the view's order.
  ///
  /// - Throws: `notFound` for a key that the view does not have; `invalidArgument` for one that is
  ///   missing, twice there, or whose value is not of its type.
  static func values(
    _ words: [MappingArgument], of view: FeatureView
  ) throws(LarderError) -> [Value] {
    let given = try MappingArgument.dictionary(words)
    let keys = view.isEntityless ? [] : view.joinKeys
    let names = keys.map(\.name)
    for name in given.keys.sorted() where !names.contains(name) {
      throw LarderError(
        .notFound,
        "View \"\(view.name)\" has no join key \"\(name)\". "
          + suggestion(for: name, among: names))
    }
    var values: [Value] = []
    for key in keys {
      guard let text = given[key.name] else {
        throw LarderError(
          .invalidArgument,
          "View \"\(view.name)\" is asked by \(names.joined(separator: ", ")); say "
            + "\(key.name)=VALUE.")
      }
      values.append(try CellText.value(of: text, type: key.type.dataType))
    }
    return values
  }
}
