import LarderColumns
import LarderContract
import LarderOffline

extension JoinRun {
  /// Bytes of segment files that a source's rows touched, at the grain of what is verified.
  ///
  /// - Parameters:
  ///   - read: the pages of event times that were searched.
  ///   - matched: the pages of the rows that were found.
  static func touchedBytes(
    _ source: PreparedJoin.Source, read: TouchedPages, matched: TouchedPages, asKnown: Bool
  ) -> UInt64 {
    guard let tables = source.tables else { return 0 }
    var total: UInt64 = 0
    for ordinal in 0..<tables.count where tables.isOpen[ordinal] {
      let table = tables[ordinal]
      let searched = read.pages(of: ordinal)
      let found = matched.pages(of: ordinal)
      total += table.segment.fenceBytes
      total += table.eventColumn.touchedBytes(rowPages: searched)
      if asKnown, let created = table.createdColumn {
        total += created.touchedBytes(rowPages: searched)
      }
      if source.found == .probed || source.found == .merged { total += table.segment.indexBytes }
      for feature in source.features {
        if let column = feature.columns[ordinal] {
          total += column.touchedBytes(rowPages: found)
        }
      }
    }
    return total
  }
}

extension FeatureGather {
  /// For each segment the column that is gathered from; nil where there is none.
  var columns: [SegmentColumn?] {
    switch self {
    case .fixed(let gather), .codes(let gather, _): gather.sources.columns
    case .texts(let texts): texts.columns
    case .lists(let lists): lists.extents.columns
    }
  }
}
