import Larder
import LarderInterchange

/// The rows of several files, one batch after the other, with progress.
struct ImportInput {
  private let files: [InputFile]
  private let view: FeatureView
  private let options: HistoryOptions
  private let progress: Progress
  /// What becomes of a feature that a file lacks.
  private let absent: String
  private var nextFile = 0
  private var file: HistoryFile?

  /// Rows so far.
  private(set) var rows = 0
  /// What was left out so far.
  private(set) var skipped = SkippedRecords()

  init(
    files: [InputFile], view: FeatureView, options: HistoryOptions, progress: Progress,
    absent: String = "is null"
  ) {
    self.files = files
    self.view = view
    self.options = options
    self.progress = progress
    self.absent = absent
  }

  /// The next batch; nil after the last file.
  ///
  /// - Throws: what the reader throws; `cancelled` after Ctrl-C.
  mutating func next() throws(LarderError) -> RecordBatch? {
    while true {
      try Interrupt.check()
      if file == nil {
        guard nextFile < files.count else { return nil }
        try open(files[nextFile])
        nextFile += 1
      }
      if let batch = try file?.next() {
        rows += batch.count
        progress.show(rows: rows, part: file?.partRead)
        return batch
      }
      if let done = file?.skipped { skipped.merge(done) }
      file = nil
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

  /// Reads and checks everything and keeps nothing.
  mutating func drain(into rehearsal: ImportRehearsal) throws(LarderError) -> Commit? {
    while let batch = try next() {
      do throws(LarderError) { try rehearsal.check(batch) } catch { throw located(error) }
    }
    return nil
  }

  /// An error about the last batch as one about its file, where that is known.
  func located(_ error: LarderError) -> LarderError { file?.located(error) ?? error }

  private mutating func open(_ input: InputFile) throws(LarderError) {
    let path = input.path
    let source = try ByteSource(path: path)
    source.isCancelled = { Interrupt.isRequested }
    let file = try HistoryFile(
      source, for: view, options: options, partition: input.partition)
    let features = Set(view.features.map(\.name))
    if !features.isEmpty, features.isSubset(of: file.missingFeatures) {
      Terminal.note("warning: \(path) has none of the features of \"\(view.name)\"; each \(absent)")
    } else {
      for name in file.missingFeatures {
        let hint = nearestName(to: name, among: file.unusedColumns).map {
          "; did you mean --map \(name)=\($0)?"
        }
        Terminal.note("warning: \(path) has no column \"\(name)\"; it \(absent)\(hint ?? "")")
      }
    }
    self.file = file
  }
}
