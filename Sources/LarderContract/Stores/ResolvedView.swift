import LarderColumns

/// A view as one state of a catalog has it: with the ids by which tables and rows know it.
///
/// Names change their meaning: a feature is renamed, another takes the name it had, one comes back.
/// Whoever pins a state of history hands its ids down with the definition, so that a row never
/// gives one feature's values to another.
package struct ResolvedView: Sendable, Hashable {
  /// The definition.
  package var definition: FeatureView
  /// The id of the view's table, never used for another view.
  package var table: UInt32
  /// For each feature its id, never used for another feature of the view, and nil for one that the
  /// catalog does not have; nil where there is no catalog, so that features go by their names.
  package var featureIDs: [UInt32?]?
  /// For each feature the names that it alone ever had: by them tables are understood that were
  /// written before rows knew features by id.
  package var ownNames: [[String]]

  package init(
    _ definition: FeatureView, table: UInt32, featureIDs: [UInt32?]? = nil,
    ownNames: [[String]] = []
  ) {
    self.definition = definition
    self.table = table
    self.featureIDs = featureIDs
    self.ownNames = ownNames
  }

  /// The view's name.
  package var name: String { definition.name }
}
