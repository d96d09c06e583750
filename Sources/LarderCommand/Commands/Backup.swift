import ArgumentParser
import Larder

/// `larder backup`: a consistent copy beside running writers.
struct Backup: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Copy a store, consistently, beside running writers.",
    discussion: """
      The copy is a store of its own with the newest commit of the original: point at it to open \
      it. On the same file system, files that never change are hard links and take no space; so a \
      copy against the loss of a disk belongs on another one. The copy is verified. An erasure \
      that is not finished stays hidden in it, and is the copy's to finish. One that fails removes \
      what it made; what a killed one left is cleared away by the next.

      EXAMPLES
        larder backup my.larder /backups/my-2026-11-22.larder
      """)

  @OptionGroup var target: StoreArgument
  @Argument(help: "A directory that does not exist yet, or is empty.")
  var destination: String

  func run() throws {
    let progress = Progress("backup")
    let report = try target.openForCopying().backup(to: destination)
    progress.clear()
    let linked =
      "\(Quantity.count(report.linkedFiles, "file")) linked (\(Quantity.bytes(report.linkedBytes)))"
    let copied =
      "\(Quantity.count(report.copiedFiles, "file")) copied (\(Quantity.bytes(report.copiedBytes)))"
    Terminal.note(
      "commit \(report.commit.id) is in \(report.path): \(linked), \(copied), "
        + "\(Quantity.count(report.rows, "row")) verified in "
        + "\(Quantity.seconds(progress.seconds))")
  }
}
