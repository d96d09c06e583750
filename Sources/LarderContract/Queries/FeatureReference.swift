import LarderColumns

/// A feature of a view or of a projection: `view:feature`, or `view:*` for all of them.
public struct FeatureReference: Sendable, Hashable, CustomStringConvertible {
  /// The name of the view or projection.
  public var view: String
  /// The feature's name; nil for all features, in the view's order.
  public var feature: String?

  /// Makes a reference to a feature, or to all features of a view.
  public init(view: String, feature: String?) {
    self.view = view
    self.feature = feature
  }

  /// Reads `view:feature` or `view:*`.
  ///
  /// - Throws: `invalidArgument` if there is not exactly one colon between two names.
  public init(_ text: String) throws(LarderError) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
      throw LarderError(
        .invalidArgument,
        "\"\(text)\" is not a feature reference; write view:feature or view:*.")
    }
    self.init(view: String(parts[0]), feature: parts[1] == "*" ? nil : String(parts[1]))
  }

  /// `view:feature` or `view:*`.
  public var description: String { "\(view):\(feature ?? "*")" }
}

extension FeatureReference: ExpressibleByStringLiteral {
  /// Reads `view:feature` or `view:*`; a literal without a colon names a view that cannot exist.
  public init(stringLiteral text: String) {
    let colon = text.firstIndex(of: ":") ?? text.endIndex
    let feature = colon < text.endIndex ? String(text[text.index(after: colon)...]) : ""
    self.init(view: String(text[..<colon]), feature: feature == "*" ? nil : feature)
  }
}

/// A view used under a name of its own, with other spine columns as its keys.
///
/// ```swift
/// .projection(of: "weather", as: "dest_weather", joinKeys: ["origin": "dest"])
/// ```
public struct Projection: Sendable, Hashable {
  /// The view's name.
  public var view: String
  /// The name it goes by in feature references.
  public var alias: String
  /// For join keys of the view, the spine column to take instead of the one of that name.
  public var joinKeys: [String: String]

  /// A view under a name of its own.
  ///
  /// - Parameters:
  ///   - view: the view's name.
  ///   - alias: the name for references and full feature names.
  ///   - joinKeys: join key to spine column; keys not named keep their own name.
  public static func projection(
    of view: String, as alias: String, joinKeys: [String: String] = [:]
  ) -> Projection {
    Projection(view: view, alias: alias, joinKeys: joinKeys)
  }

  /// Makes a projection.
  public init(view: String, alias: String, joinKeys: [String: String] = [:]) {
    self.view = view
    self.alias = alias
    self.joinKeys = joinKeys
  }
}
