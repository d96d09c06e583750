import LarderColumns
import LarderContract
import LarderOffline

/// The definitions of a store, and what queries by name look up in them.
///
/// Made once for each change of definitions, so that reading a key by a view's name costs one look
/// into a table.
final class NamedDefinitions: Sendable {
  /// The definitions, as a user would write them.
  let definitions: Definitions
  private let catalog: Catalog
  /// The place of each view in `definitions.featureViews`.
  private let places: [String: Int]
  /// The views with their ids.
  private let resolved: [ResolvedView]

  /// - Throws: `limitExceeded` after 2^32 views.
  init(_ catalog: Catalog) throws(LarderError) {
    self.catalog = catalog
    definitions = catalog.definitions
    var resolved: [ResolvedView] = []
    for view in catalog.views { resolved.append(try ResolvedView(view)) }
    self.resolved = resolved
    var places: [String: Int] = [:]
    for (place, view) in definitions.featureViews.enumerated() { places[view.name] = place }
    self.places = places
  }

  /// The view of a name with its ids; nil if there is none.
  func resolved(named name: String) -> ResolvedView? { places[name].map { resolved[$0] } }

  /// The view of a name with its ids.
  ///
  /// - Throws: `notFound` with the nearest name.
  func requireView(_ name: String) throws(LarderError) -> ResolvedView {
    if let view = resolved(named: name) { return view }
    throw .unknownView(name, among: definitions.featureViews.map(\.name))
  }

  /// The view at a place of `definitions.featureViews`, with its ids.
  func resolved(at place: Int) -> ResolvedView { resolved[place] }

  /// The view of a definition's name, with the ids of the features that the definition names; nil if
  /// there is none.
  func resolved(_ definition: FeatureView) -> ResolvedView? {
    guard let known = resolved(named: definition.name) else { return nil }
    if known.definition == definition { return known }
    // A definition of the caller's own: features go by their names of now, else by those they had.
    var view = known
    view.definition = definition
    let features = known.definition.features
    let places = definition.features.map { field in
      features.firstIndex { $0.name == field.name }
        ?? known.ownNames.firstIndex { $0.contains(field.name) }
    }
    view.featureIDs = zip(definition.features, places).map { field, place in
      guard let place, field.type.isAkin(to: features[place].type) else { return nil }
      return known.featureIDs?[place]
    }
    view.ownNames = places.map { $0.map { known.ownNames[$0] } ?? [] }
    return view
  }

  /// Whether these are the definitions of a catalog.
  func fits(_ catalog: Catalog) -> Bool { self.catalog == catalog }
}

/// The newest definitions of a store, kept until they change.
struct CurrentDefinitions {
  private var commit: UInt64?
  private var named: NamedDefinitions?

  /// The definitions of now.
  ///
  /// - Throws: `corrupt`, `io`.
  /// - Complexity: one load if nothing was committed; O(definitions) after they changed.
  mutating func refresh(from store: Store) throws(LarderError) -> NamedDefinitions {
    if let (commit, catalog) = try store.currentCatalog(after: named == nil ? nil : commit) {
      self.commit = commit
      // Most commits bring rows and leave the definitions alone.
      if named?.fits(catalog) != true { named = try NamedDefinitions(catalog) }
    }
    guard let named else {
      throw LarderError(.corrupt, "The store shows no definitions.", file: store.layout.root)
    }
    return named
  }

  /// The definitions of a snapshot.
  ///
  /// - Complexity: O(1) for the snapshot that was asked for last; O(definitions) after they changed.
  mutating func of(_ snapshot: Snapshot) throws(LarderError) -> NamedDefinitions {
    if let named, commit == snapshot.commit.id { return named }
    if let named, named.fits(snapshot.catalog) {
      commit = snapshot.commit.id
      return named
    }
    let made = try NamedDefinitions(snapshot.catalog)
    (commit, named) = (snapshot.commit.id, made)
    return made
  }
}

extension ResolvedView {
  /// A view of a catalog.
  ///
  /// - Throws: `limitExceeded` after 2^32 views.
  init(_ view: Catalog.View) throws(LarderError) {
    guard let table = UInt32(exactly: view.id) else {
      throw LarderError(
        .limitExceeded, "A store has at most \(UInt32.max) views, dropped ones included.")
    }
    let all = view.fields + view.retired
    var bearers: [String: Int] = [:]
    for field in all {
      for name in Set([field.name] + field.formerNames) { bearers[name, default: 0] += 1 }
    }
    self.init(
      view.definition, table: table, featureIDs: view.fields.map(\.id),
      ownNames: view.fields.map { field in
        ([field.name] + field.formerNames).filter { bearers[$0] == 1 }
      })
  }
}

extension DataType {
  /// Whether values of one of two types can be read as those of the other.
  fileprivate func isAkin(to other: DataType) -> Bool { accepts(other) || other.accepts(self) }
}
