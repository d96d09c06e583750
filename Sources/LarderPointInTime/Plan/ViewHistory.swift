import LarderColumns
import LarderContract
import LarderKeys
import LarderOffline

/// What a snapshot holds of one view: the rows of its history, and the keys they are found by.
package struct ViewHistory: Sendable {
  /// The live segments, in no order; their boxes are disjoint.
  package var segments: [Segment]
  /// For each feature of the view's definition, the id of its column in segments.
  package var fieldIDs: [UInt32]
  /// The keys of the view's join-key set; nil if none was ever written.
  package var keys: KeyDirectory?
  /// Keeps the snapshot's files where they are; nil where nothing removes them.
  package var pin: Snapshot?

  /// Puts a history together.
  package init(
    segments: [Segment], fieldIDs: [UInt32], keys: KeyDirectory?, pin: Snapshot? = nil
  ) {
    self.segments = segments
    self.fieldIDs = fieldIDs
    self.keys = keys
    self.pin = pin
  }
}

extension Snapshot {
  /// The history of a view, opened.
  ///
  /// - Parameter view: its definition; features are found by name.
  /// - Throws: `notFound` for a view or feature that the snapshot does not know;
  ///   `incompatibleDefinition` if a feature has another type there; `corrupt`; `io`.
  package func history(of view: FeatureView) throws(LarderError) -> ViewHistory {
    let stored = try catalog.requireView(view.name)
    var fieldIDs: [UInt32] = []
    for feature in view.features {
      guard let field = stored.field(named: feature.name) else {
        throw LarderError(
          .notFound,
          "The view \"\(view.name)\" has no feature \"\(feature.name)\" as of commit "
            + "\(commit.id). "
            + suggestion(for: feature.name, among: stored.fields.map(\.name)))
      }
      guard field.type == feature.type else {
        throw LarderError(
          .incompatibleDefinition,
          "The feature \"\(view.name):\(feature.name)\" is \(field.type) as of commit "
            + "\(commit.id), and \(feature.type) was expected.")
      }
      fieldIDs.append(field.id)
    }
    return try history(of: stored, fieldIDs)
  }

  /// The history of a view of the snapshot's own catalog, opened, with all of its features.
  ///
  /// - Throws: `corrupt`; `io`.
  package func history(of view: Catalog.View) throws(LarderError) -> ViewHistory {
    try history(of: view, view.fields.map(\.id))
  }

  private func history(
    of view: Catalog.View, _ fieldIDs: [UInt32]
  ) throws(LarderError) -> ViewHistory {
    var segments: [Segment] = []
    for description in self.segments(of: view) { segments.append(try open(description)) }
    return ViewHistory(
      segments: segments, fieldIDs: fieldIDs, keys: try keyDirectory(of: view.keySet), pin: self)
  }
}

extension FeatureView {
  /// The schema of the view's keys.
  package var keySchema: KeySchema {
    get throws(LarderError) {
      if isEntityless { return .entityless }
      var columns: [KeyColumn] = []
      for key in joinKeys { columns.append(KeyColumn(key.name, try KeyType(key.type.dataType))) }
      return try KeySchema(columns)
    }
  }
}
