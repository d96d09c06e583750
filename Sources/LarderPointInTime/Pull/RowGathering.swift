import LarderColumns
import LarderOffline

extension FeatureGather {
  /// An empty column of the result for the feature.
  func output(_ type: DataType, rows: Int, budget: MemoryBudget) -> OutputColumn {
    var dictionary: Column?
    if case .codes(_, let union) = self { dictionary = union.values }
    return OutputColumn(type, rows: rows, dictionary: dictionary, budget: budget)
  }
}

/// Gathers features row by row.
///
/// - Parameters:
///   - features: how each is read.
///   - outputs: for each its column of the result.
///   - budget: what texts and lists are counted against.
/// - Throws: `limitExceeded` if the budget does not suffice; `corrupt` if a page is damaged.
func gatherRows(
  _ rows: PulledRows, _ features: [FeatureGather], _ outputs: [OutputColumn],
  _ budget: MemoryBudget
) throws(LarderError) -> [Column] {
  let gathering = FeatureGathering(features)
  var matches = Matches(LaneArena())
  for (chunk, start) in stride(from: 0, to: rows.count, by: SearchScratch.chunkRows).enumerated() {
    let place = start..<min(rows.count, start + SearchScratch.chunkRows)
    matches.copy(rows, place)
    try gathering.gather(matches, chunk, place, outputs)
  }
  for output in outputs { _ = budget.take(output.finishingBytes(expands: true)) }
  try budget.check()
  let chunks = (rows.count + SearchScratch.chunkRows - 1) / SearchScratch.chunkRows
  var columns: [Column] = []
  for output in outputs { columns.append(try output.finish(chunks: chunks).expanded()) }
  return columns
}
