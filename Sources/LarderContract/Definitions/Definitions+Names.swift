import LarderColumns

extension Definitions {
  /// The view of a name.
  ///
  /// - Throws: `notFound` with the nearest name.
  public func requireView(_ name: String) throws(LarderError) -> FeatureView {
    guard let view = featureViews.first(where: { $0.name == name }) else {
      throw .unknownView(name, among: featureViews.map(\.name))
    }
    return view
  }

  /// The service of a name.
  ///
  /// - Throws: `notFound` with the nearest name.
  public func requireService(_ name: String) throws(LarderError) -> FeatureService {
    guard let service = featureServices.first(where: { $0.name == name }) else {
      throw LarderError(
        .notFound,
        "There is no feature service \"\(name)\". "
          + suggestion(for: name, among: featureServices.map(\.name)))
    }
    return service
  }

  /// Takes over what another set defines, by name.
  package mutating func merge(_ other: Definitions) {
    entities.removeAll { old in other.entities.contains { $0.name == old.name } }
    entities += other.entities
    featureViews.removeAll { old in other.featureViews.contains { $0.name == old.name } }
    featureViews += other.featureViews
    featureServices.removeAll { old in other.featureServices.contains { $0.name == old.name } }
    featureServices += other.featureServices
  }
}

extension LarderError {
  /// A view of a name that there is not, with the nearest name.
  package static func unknownView(_ name: String, among names: [String]) -> LarderError {
    LarderError(
      .notFound, "There is no feature view \"\(name)\". \(suggestion(for: name, among: names))")
  }
}
