import LarderColumns
import LarderContract
import LarderOffline

/// The definitions of a store, and what questions by name look up in them.
///
/// Made once for each change of definitions, so that reading a key by a view's name costs one look
/// into a table.
final class NamedDefinitions: Sendable {
  /// The definitions, as a user would write them.
  let definitions: Definitions
  private let catalog: Catalog
  /// The place of each view in `definitions.featureViews`.
  private let places: [String: Int]

  init(_ catalog: Catalog) {
    self.catalog = catalog
    definitions = catalog.definitions
    var places: [String: Int] = [:]
    for (place, view) in definitions.featureViews.enumerated() { places[view.name] = place }
    self.places = places
  }

  /// The view of a name; nil if there is none.
  func view(named name: String) -> FeatureView? {
    places[name].map { definitions.featureViews[$0] }
  }

  /// The id of the view of a name; nil if there is none.
  func id(ofView name: String) -> UInt64? { places[name].map { catalog.views[$0].id } }

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
      if named?.fits(catalog) != true { named = NamedDefinitions(catalog) }
    }
    guard let named else {
      throw LarderError(.corrupt, "The store shows no definitions.", file: store.layout.root)
    }
    return named
  }
}
