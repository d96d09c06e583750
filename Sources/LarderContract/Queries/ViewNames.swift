import LarderColumns

/// The names that feature references may use: views and projections.
struct ViewNames {
  private var views: [String: FeatureView] = [:]
  private var places: [String: Int] = [:]
  private var projections: [String: Projection] = [:]

  /// Takes the names in.
  ///
  /// - Throws: `invalidArgument` for a name that means two things, or a projection of a join key
  ///   that the view does not have; `notFound` for a projection of an unknown view.
  init(views list: [FeatureView], projections aliases: [Projection]) throws(LarderError) {
    for (place, view) in list.enumerated() {
      guard views[view.name] == nil || views[view.name] == view else {
        throw LarderError(
          .invalidArgument, "Two different views are called \"\(view.name)\".")
      }
      views[view.name] = view
      places[view.name] = place
    }
    for projection in aliases {
      guard let view = views[projection.view] else {
        throw LarderError(
          .notFound,
          "The projection \"\(projection.alias)\" is of an unknown view \"\(projection.view)\". "
            + suggestion(for: projection.view, among: Array(views.keys)))
      }
      guard projections[projection.alias] == nil else {
        throw LarderError(
          .invalidArgument, "Two projections are called \"\(projection.alias)\".")
      }
      guard views[projection.alias] == nil || projection.alias == projection.view else {
        throw LarderError(
          .invalidArgument,
          "The projection \"\(projection.alias)\" has the name of a view; give it another.")
      }
      let keys = view.joinKeys.map(\.name)
      for key in projection.joinKeys.keys.sorted() where !keys.contains(key) {
        throw LarderError(
          .notFound,
          "The view \"\(view.name)\" has no join key \"\(key)\", which the projection "
            + "\"\(projection.alias)\" maps. \(suggestion(for: key, among: keys))")
      }
      projections[projection.alias] = projection
    }
  }

  /// The view that a reference means, and its place in the list.
  func view(
    _ reference: FeatureReference
  ) throws(LarderError) -> (view: FeatureView, place: Int) {
    let name = projections[reference.view]?.view ?? reference.view
    guard let view = views[name], let place = places[name] else {
      throw LarderError(
        .notFound,
        "There is no view or projection \"\(reference.view)\" (in \"\(reference)\"). "
          + suggestion(for: reference.view, among: Array(views.keys) + Array(projections.keys)))
    }
    return (view, place)
  }

  /// For each join key of a source's view, the name of the spine column that holds it.
  func keyNames(of source: ResolvedQuery.Source) -> [String] {
    let mapped = projections[source.name]?.joinKeys ?? [:]
    return source.view.joinKeys.map { mapped[$0.name] ?? $0.name }
  }
}
