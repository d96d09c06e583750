/// Finds the byte between a file's cells by looking at its first records.
enum DelimiterSearch {
  /// The delimiters that are looked for; of equals the first is taken.
  private static let candidates: [UInt8] = [0x2C, 0x3B, 0x09, 0x7C]
  /// How much is looked at.
  private static let byteLimit = 1 << 16
  private static let recordLimit = 64

  /// The delimiter that splits the header, and most records after it, into as many cells; the comma
  /// where none does.
  static func delimiter(of window: UnsafeBufferPointer<UInt8>) -> UInt8 {
    let lead = unsafe UnsafeBufferPointer(rebasing: window.prefix(byteLimit))
    let isWhole = lead.count == window.count
    var best: (delimiter: UInt8, cells: Int, agreeing: Int)?
    for delimiter in candidates {
      let counts = unsafe cellCounts(lead, delimiter, isWhole: isWhole)
      guard let header = counts.first, header > 1 else { continue }
      // In thousandths, so that one odd record does not decide.
      let agreeing = counts.count { $0 == header } * 1_000 / counts.count
      if let known = best, (known.agreeing, known.cells) >= (agreeing, header) { continue }
      best = (delimiter, header, agreeing)
    }
    return best?.delimiter ?? candidates[0]
  }

  /// How many cells each record has; a record that the bytes cut off is not counted.
  private static func cellCounts(
    _ bytes: UnsafeBufferPointer<UInt8>, _ delimiter: UInt8, isWhole: Bool
  ) -> [Int] {
    var counts: [Int] = []
    var cells = 1
    var inQuotes = false
    var isEmpty = true
    var atCellStart = true
    for byte in unsafe bytes {
      if byte == UInt8(ascii: "\""), inQuotes || atCellStart {
        inQuotes.toggle()
        (isEmpty, atCellStart) = (false, false)
      } else if inQuotes {
        continue
      } else if byte == UInt8(ascii: "\n") {
        if !isEmpty { counts.append(cells) }
        (cells, isEmpty, atCellStart) = (1, true, true)
        if counts.count == recordLimit { return counts }
      } else if byte == delimiter {
        cells += 1
        (isEmpty, atCellStart) = (false, true)
      } else if byte != UInt8(ascii: "\r") {
        (isEmpty, atCellStart) = (false, false)
      }
    }
    if isWhole, !isEmpty { counts.append(cells) }
    return counts
  }
}
