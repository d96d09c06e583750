import LarderColumns
import LarderContract
import LarderInterchange

/// Reads bytes from outside as a caller would, and looks at every kind of value.
///
/// Any outcome but a trap, a hang or an error of a kind that input cannot cause is fine; those two
/// stop the process, which is what a fuzzer looks for.
package enum InterchangeFuzzing {
  /// Reads bytes as a Parquet file, with its page checksums mended so that changes get past them.
  package static func surviveParquet(_ bytes: [UInt8]) {
    var bytes = bytes
    PageChecksums.repair(&bytes)
    surviveTable(bytes)
  }

  /// Reads bytes as a compressed page, by the codec that the first of them chooses.
  package static func surviveCodecs(_ bytes: [UInt8]) {
    if let file = CodecPages.file(bytes) { surviveTable(file) }
  }

  /// Reads bytes as an Arrow file or stream.
  package static func surviveArrow(_ bytes: [UInt8]) { surviveTable(bytes) }

  /// Reads bytes as CSV, by the types of a view and by those that are found.
  package static func surviveCSV(_ bytes: [UInt8]) {
    let view = FeatureView(
      "v", entities: [Entity("e", joinKeys: [.int64("id")])],
      features: [
        Field("f", .float64), Field("g", .float32), Field("s", .string), Field("b", .bytes),
        Field("l", .list(.int64)), Field("d", .date), Field("u", .timestamp(.nanoseconds)),
      ], eventTimestamp: "t")
    allow {
      () throws(LarderError) in
      var reader = try CSVReader(
        ByteSource(name: "fuzz", bytes: bytes), for: view, policy: .skip,
        timeUnit: bytes.count & 1 == 0 ? .seconds : nil)
      while let batch = try reader.next() { look(at: batch) }
    }
    allow {
      () throws(LarderError) in
      let source = ByteSource(name: "fuzz", bytes: bytes)
      // Compressed text is decompressed, and other kinds are refused by name.
      guard try source.detectFormat() == .text else { return }
      let reader = try CSVTable(source)
      while let batch = try reader.nextBatch() { look(at: batch) }
    }
  }

  private static func surviveTable(_ bytes: [UInt8]) {
    allow {
      () throws(LarderError) in
      let source = RandomAccessBytes(bytes, name: "fuzz")
      guard let found = try describeTable(source) else { return }
      // Column by column, so that one that is refused does not hide the others.
      for column in found.columns.prefix(32) {
        guard case .success = column.type else { continue }
        allow {
          () throws(LarderError) in
          let options = TableReadOptions(
            columns: [column.name], batchRows: 4_096,
            keepsDictionaries: bytes.count & 1 == 0, batchBytes: 1 << 20)
          let reader = try openTable(source, options: options)
          var batches = 0
          while batches < 4, let batch = try reader?.nextBatch() {
            look(at: batch)
            batches += 1
          }
        }
      }
    }
  }

  /// Touches values at both ends and between, so that a bad offset or index is met.
  private static func look(at batch: RecordBatch) {
    for column in batch.columns where batch.count > 0 {
      for row in stride(from: 0, to: batch.count, by: 61) { _ = column[row] }
      _ = column[batch.count - 1]
    }
  }

  private static func allow(_ body: () throws(LarderError) -> Void) {
    do throws(LarderError) { try body() } catch {
      let codes: [LarderError.Code] = [.invalidInput, .unsupported, .limitExceeded, .notFound]
      precondition(codes.contains(error.code), "\(error)")
    }
  }
}
