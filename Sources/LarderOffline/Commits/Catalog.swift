import LarderColumns
import LarderContract

/// What a store knows of its views, features, key sets and services, with the ids they go by.
///
/// A value, replayed from the manifest. Ids are drawn from counters that only rise: a view or a
/// feature that is dropped and made again has a new id, so old bytes never show through.
package struct Catalog: Sendable, Hashable {
  /// The entities, by name in UTF-8 order.
  package var entities: [Entity] = []
  /// The views, in the order they were made.
  package var views: [View] = []
  /// The services, by name in UTF-8 order.
  package var services: [FeatureService] = []
  /// Every join-key set there has been, in the order of their ids.
  package var keySets: [KeySet] = []
  /// The id the next view gets.
  package var nextView: UInt64 = 1
  /// Of views that were dropped, the id their next feature would get: a rollback may bring one back.
  package var droppedViews: [UInt64: UInt32] = [:]

  package init() {}

  /// A feature as it is stored.
  package struct StoredField: Sendable, Hashable {
    /// Never reused within the view; names the column in segments.
    package var id: UInt32
    /// The name it has, or had when it was retired.
    package var name: String
    /// The type it has now; segments from before a widening hold the narrower one.
    package var type: DataType
    /// The names it had before, oldest first.
    package var formerNames: [String]

    package init(id: UInt32, name: String, type: DataType, formerNames: [String] = []) {
      self.id = id
      self.name = name
      self.type = type
      self.formerNames = formerNames
    }
  }

  /// A view as it is stored.
  package struct View: Sendable, Hashable {
    /// Never reused; names the folder `v<id>`.
    package var id: UInt64
    /// The definition, with no `formerly` left in it.
    package var definition: FeatureView
    /// The id of the view's join-key set.
    package var keySet: UInt64
    /// The features there are, in the order of `definition.features`.
    package var fields: [StoredField]
    /// The features that were dropped; their columns may still lie in segments.
    package var retired: [StoredField]
    /// The id the next feature gets.
    package var nextField: UInt32

    /// The view's name.
    package var name: String { definition.name }
    /// The folder of the view's segments within `offline` and `online`.
    package var folder: String { "v\(id)" }

    /// The feature of a name, or nil.
    package func field(named name: String) -> StoredField? { fields.first { $0.name == name } }
  }

  /// A set of join keys with one key log.
  package struct KeySet: Sendable, Hashable {
    /// Never reused; names the folder `k<id>`.
    package var id: UInt64
    /// The keys, ordered by the UTF-8 bytes of their names.
    package var keys: [JoinKey]
    /// The folder of the set's key log within `keys`.
    package var folder: String { "k\(id)" }
  }

  /// The view of a name, or nil.
  package func view(named name: String) -> View? { views.first { $0.name == name } }

  /// The view of an id, or nil.
  package func view(id: UInt64) -> View? { views.first { $0.id == id } }

  /// The key set of an id, or nil.
  package func keySet(id: UInt64) -> KeySet? { keySets.first { $0.id == id } }

  /// The view of a name.
  ///
  /// - Throws: `notFound` with the nearest name.
  package func requireView(_ name: String) throws(LarderError) -> View {
    guard let view = view(named: name) else {
      throw .unknownView(name, among: views.map(\.name))
    }
    return view
  }

  /// The definitions as a user would write them.
  package var definitions: Definitions {
    Definitions(
      entities: entities, featureViews: views.map(\.definition), featureServices: services)
  }
}
