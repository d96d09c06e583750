import Larder
import LarderContract
import LarderInterchange

/// A file's columns under the names that a view gives them.
struct ColumnNames {
  /// The columns; one whose name no feature can have is refused, which leaves it out.
  private(set) var columns: [TableDescription.Column] = []

  /// Renames columns.
  ///
  /// - Parameters:
  ///   - found: the file's.
  ///   - renamed: the file's names and those they get.
  ///   - file: what messages call the file.
  /// - Throws: `notFound` for a column that is not there, with the nearest name; `invalidArgument` for
  ///   a name that is given twice.
  init(
    _ found: [TableDescription.Column], renaming renamed: [MappingArgument], file: String
  ) throws(LarderError) {
    let names = try MappingArgument.dictionary(renamed)
    for name in names.keys.sorted() where !found.contains(where: { $0.name == name }) {
      throw LarderError(
        .notFound,
        "There is no column \"\(name)\" to rename. \(suggestion(for: name, among: found.map(\.name)))",
        file: file)
    }
    var seen: Set<String> = []
    for var column in found {
      if let name = names[column.name] {
        column.name = name
        // A name was all that it lacked.
        if let guess = column.guess, case .failure(let refusal) = column.type,
          refusal.code == .unsupported
        {
          column.type = .success(guess.type)
        }
      } else if case .success = column.type,
        let flaw = DefinitionName.flaw(column.name, as: "feature")
      {
        column.type = .failure(
          LarderError(
            .unsupported, "\(flaw) Another is given with --rename \(column.name)=NAME.",
            column: column.name))
      }
      guard seen.insert(column.name).inserted else {
        throw LarderError(
          .invalidArgument, "Two columns would have this name.", file: file, column: column.name)
      }
      columns.append(column)
    }
  }
}
