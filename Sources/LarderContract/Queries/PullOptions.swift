import LarderColumns

/// How rows are pulled.
public struct PullOptions: Sendable, Hashable {
  /// Bytes of memory the engine may take above the caller's own batches; nil for no bound.
  ///
  /// A pull batch by batch makes its batches as small as that asks for.
  public var memoryBytes: Int?

  /// Options with every choice at its default.
  public init(memoryBytes: Int? = nil) { self.memoryBytes = memoryBytes }
}

extension OfflineStore {
  /// The latest row of each entity in a range, within a budget.
  ///
  /// Unless a store knows better, it knows no budget.
  ///
  /// - Throws: `unsupported` if the options ask for more than the store knows; else as
  ///   `pullLatest(_:features:from:through:)`.
  public func pullLatest(
    _ view: FeatureView, features: [String]?, from: Timestamp?, through: Timestamp?,
    options: PullOptions
  ) throws(LarderError) -> any RetrievalJob {
    try options.requireDefaults()
    return try pullLatest(view, features: features, from: from, through: through)
  }

  /// Every row of a range, within a budget; see `pullLatest`.
  public func pullAll(
    _ view: FeatureView, features: [String]?, from: Timestamp?, through: Timestamp?,
    options: PullOptions
  ) throws(LarderError) -> any RetrievalJob {
    try options.requireDefaults()
    return try pullAll(view, features: features, from: from, through: through)
  }
}

extension PullOptions {
  fileprivate func requireDefaults() throws(LarderError) {
    guard memoryBytes == nil else {
      throw LarderError(.unsupported, "This store pulls rows without a bound on memory.")
    }
  }
}
