import LarderColumns
import LarderOffline

/// How one feature's values come from the segments into the result.
enum FeatureGather: Sendable {
  /// Values of fixed width, with the bytes of one in the result; 0 for bits.
  case fixed(FixedGather)
  /// Codes into one dictionary of texts.
  case codes(FixedGather, MergedDictionary)
  /// Texts, byte by byte.
  case texts(ExtentSources)
  /// Lists.
  case lists(ListGather)

  /// Plans the gathering of a feature.
  ///
  /// - Parameters:
  ///   - columns: for each segment its column; nil where a segment was written without it.
  ///   - type: the feature's type now.
  /// - Throws: `corrupt`; `incompatibleDefinition` if a column cannot be widened to the type.
  init(_ columns: [SegmentColumn?], as type: DataType) throws(LarderError) {
    switch type.layout {
    case .bits: self = .fixed(try FeatureGather.fixed(columns, type, width: 0))
    case .fixed(let width): self = .fixed(try FeatureGather.fixed(columns, type, width: width))
    case .list: self = .lists(try ListGather(columns, of: type.element ?? .bytes))
    case .variable:
      guard let union = try MergedDictionary.unite(columns, type: type) else {
        self = .texts(ExtentSources(columns))
        return
      }
      let sources = try GatherSources(columns, as: type, codes: union.codes)
      self = .codes(FixedGather(sources: sources, width: 4, isCoded: true), union)
    }
  }

  private static func fixed(
    _ columns: [SegmentColumn?], _ type: DataType, width: Int
  ) throws(LarderError) -> FixedGather {
    FixedGather(sources: try GatherSources(columns, as: type), width: width, isCoded: false)
  }

  /// The part that is gathered in batches with prefetching; nil for texts and lists.
  var batched: FixedGather? {
    switch self {
    case .fixed(let gather), .codes(let gather, _): gather
    case .texts, .lists: nil
    }
  }
}
