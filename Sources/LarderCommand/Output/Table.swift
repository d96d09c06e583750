import Larder

/// Rows of text in columns that align.
package struct Table {
  /// On which side of its column a cell stands.
  package enum Side { case left, right }

  private let headings: [String]
  private let sides: [Side]
  private var rows: [[String]] = []

  /// Makes a table; headings in capitals, as `ps` has them.
  package init(_ columns: KeyValuePairs<String, Side>) {
    headings = columns.map { $0.key.uppercased() }
    sides = columns.map(\.value)
  }

  /// Makes a table of data, whose columns keep their names.
  package init(columns: [(name: String, side: Side)]) {
    headings = columns.map(\.name)
    sides = columns.map(\.side)
  }

  /// Adds a row, a cell for each column.
  package mutating func add(_ cells: String...) { rows.append(cells) }
  /// Adds a row, a cell for each column.
  package mutating func add(_ cells: [String]) { rows.append(cells) }

  /// The lines, two spaces between columns, no spaces at their ends.
  package var text: String {
    let all = [headings] + rows
    let widths = headings.indices.map { column in
      all.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    var text = ""
    for row in all {
      var line = ""
      for (column, cell) in row.enumerated() where column < widths.count {
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        line += column == 0 ? "" : "  "
        line += sides[column] == .right ? padding + cell : cell + padding
      }
      while line.last == " " { line.removeLast() }
      text += line + "\n"
    }
    return text
  }
}
