import LarderColumns

/// Where the nodes and buffers of one batch come from: a message's body or another library's
/// memory.
///
/// Both number them alike: fields depth first, each with its own buffers.
protocol ArrowBody: Sendable {
  /// How many data buffers each view column has.
  var variadicCounts: [Int64] { get }
  /// The length and the number of nulls that a node says.
  func node(_ index: Int) throws(LarderError) -> (length: Int, nulls: Int)
  /// A buffer's bytes.
  func buffer(_ index: Int, atLeast bytes: Int, _ what: String) throws(LarderError) -> Buffer
  /// Whether a buffer has no bytes, as validity bitmaps without nulls may.
  func isEmpty(_ index: Int) -> Bool
}
