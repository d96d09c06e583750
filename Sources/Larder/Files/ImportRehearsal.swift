import LarderColumns
import LarderContract
import LarderOffline

/// Makes all checks that adding rows to a view makes, and adds none.
package struct ImportRehearsal {
  private let rehearsal: AppendRehearsal

  /// Begins to check rows for a view.
  ///
  /// - Throws: `notFound` with the nearest name; `io`.
  package init(_ view: String, of store: FeatureStore) throws(LarderError) {
    rehearsal = try store.offlineStore.store.rehearsal(of: view)
  }

  /// Checks a batch.
  ///
  /// - Throws: `invalidInput` with column, row and reason; `limitExceeded`.
  package func check(_ batch: RecordBatch) throws(LarderError) { try rehearsal.check(batch) }
}
