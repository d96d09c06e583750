import LarderColumns
import LarderFiles

extension Segment {
  /// Bytes of each part of the file: entity index, columns, and the rest.
  package var columnBytes: [(name: String, bytes: Int)] {
    var parts = [("entity index", Int(footer.entityIDs.bytes + footer.runStarts.bytes))]
    for case .known(let column) in footer.columns {
      let fences = column.role == .eventTime ? footer.fences.bytes : 0
      parts.append((column.name, Int(column.bytesInFile + fences)))
    }
    let rest = unsafe map.bytes.count - parts.reduce(0) { $0 + $1.1 }
    parts.append(("header, footer and trailer", rest))
    return parts
  }
}

extension ColumnRecord {
  /// Bytes of all the column's sections.
  var bytesInFile: UInt64 {
    [
      headers, bodies, validityBits, ranks, dictionaryOffsets, dictionaryValues, self.bytes,
    ].reduce(0) { $0 + $1.bytes } + elements.reduce(0) { $0 + $1.bytesInFile }
  }
}
