import Larder
import LarderInterchange

/// The rows of several files, one batch after the other, with progress.
struct ImportInput {
  private let files: [String]
  private let view: FeatureView
  private let format: CSVFormat
  private let map: [String: String]
  private let policy: CSVErrorPolicy
  private let progress: Progress
  /// What becomes of a feature that a file lacks.
  private let absent: String
  private var nextFile = 0
  private var reader: CSVReader?
  private var totalBytes: Int?

  /// Rows so far.
  private(set) var rows = 0
  /// What was left out so far.
  private(set) var skipped = SkippedRecords()

  init(
    files: [String], view: FeatureView, format: CSVFormat, map: [String: String],
    policy: CSVErrorPolicy, progress: Progress, absent: String = "is null"
  ) {
    self.files = files
    self.view = view
    self.format = format
    self.map = map
    self.policy = policy
    self.progress = progress
    self.absent = absent
  }

  /// The next batch; nil after the last file.
  ///
  /// - Throws: what the reader throws; `cancelled` after Ctrl-C.
  mutating func next() throws(LarderError) -> RecordBatch? {
    while true {
      try Interrupt.check()
      if reader == nil {
        guard nextFile < files.count else { return nil }
        try open(files[nextFile])
        nextFile += 1
      }
      if let batch = try reader?.next() {
        rows += batch.count
        let bytes = reader?.bytesRead ?? 0
        let part = totalBytes.map { $0 > 0 ? Double(bytes) / Double($0) : 1 }
        progress.show(rows: rows, part: part)
        return batch
      }
      if let done = reader?.skipped { skipped.merge(done) }
      reader = nil
    }
  }

  /// Tells on the terminal what was left out, if anything was.
  func reportSkipped() {
    if skipped.count == 0 { return }
    Terminal.note("\(Quantity.count(skipped.count, "row")) left out:")
    let reasons = skipped.reasons.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    for (reason, count) in reasons { Terminal.note("  \(Quantity.count(count))  \(reason)") }
    for sample in skipped.samples { Terminal.note("  such as \(sample)") }
  }

  /// Reads everything and keeps nothing.
  mutating func drain() throws(LarderError) -> Commit? {
    while try next() != nil {}
    return nil
  }

  private mutating func open(_ file: String) throws(LarderError) {
    let source = try ByteSource(path: file)
    source.isCancelled = { Interrupt.isRequested }
    let reader = try CSVReader(source, for: view, format: format, map: map, policy: policy)
    totalBytes = source.totalBytes
    let features = Set(view.features.map(\.name))
    if !features.isEmpty, features.isSubset(of: reader.missingFeatures) {
      Terminal.note("warning: \(file) has none of the features of \"\(view.name)\"; each \(absent)")
    } else {
      for name in reader.missingFeatures {
        let hint = nearestName(to: name, among: reader.unusedColumns).map {
          "; did you mean --map \(name)=\($0)?"
        }
        Terminal.note("warning: \(file) has no column \"\(name)\"; it \(absent)\(hint ?? "")")
      }
    }
    self.reader = reader
  }
}
