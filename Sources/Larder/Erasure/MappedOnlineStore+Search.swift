import LarderColumns
import LarderKeys
import LarderOffline
import LarderOnline

extension MappedOnlineStore {
  /// Adds to a search what online tables hold of keys.
  ///
  /// - Throws: `io`.
  func search(
    for erased: HiddenKeys, _ scan: inout ErasureScan
  ) throws(LarderError) {
    var online = OnlineScan()
    for table in try holders(of: erased, &online) {
      for file in table.files { scan.add(file.path, "it holds rows of them") }
      if let failure = table.failure {
        scan.add(failure.file ?? directory, "it cannot be searched: \(failure.message)")
      }
    }
    scan.files += online.files
    scan.bytes += online.bytes
  }
}
