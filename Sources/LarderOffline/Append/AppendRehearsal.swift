import LarderColumns
import LarderContract

/// Makes the checks of an append without one: nothing is locked, kept or written.
package struct AppendRehearsal {
  private let validation: BatchValidation

  /// Checks a batch as `Appender.append` does.
  ///
  /// - Throws: `invalidInput` with column, row and reason; `limitExceeded`.
  package func check(_ batch: RecordBatch) throws(LarderError) {
    _ = try validation.accept(batch)
  }

  fileprivate init(_ validation: BatchValidation) { self.validation = validation }
}

extension Store {
  /// Begins to check rows for a view as it is now.
  ///
  /// - Throws: `notFound` with the nearest name; `corrupt`, `io`.
  package func rehearsal(of name: String) throws(LarderError) -> AppendRehearsal {
    let catalog = try refresh().catalog
    let view = try catalog.requireView(name)
    guard let keySet = catalog.keySet(id: view.keySet) else {
      throw LarderError(.corrupt, "The view \"\(name)\" has no key set.", file: layout.root)
    }
    return AppendRehearsal(try BatchValidation(view, keySet))
  }
}
