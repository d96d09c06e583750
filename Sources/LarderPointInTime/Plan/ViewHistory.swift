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

  /// Puts a history together.
  package init(segments: [Segment], fieldIDs: [UInt32], keys: KeyDirectory?) {
    self.segments = segments
    self.fieldIDs = fieldIDs
    self.keys = keys
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
