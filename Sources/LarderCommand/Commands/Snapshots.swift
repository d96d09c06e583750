import ArgumentParser
import Larder
import LarderContract

/// `larder snapshots`: the commits that can be looked at.
struct Snapshots: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the commits that can still be looked at, or name one.",
    discussion: """
      Queries take a commit or a tag with --at, and rollback makes one the newest again. A commit \
      is kept for an hour after a newer one took its place, and as long as it has a tag or a \
      reader.

      EXAMPLES
        larder snapshots my.larder
        larder snapshots my.larder --tag before-cleanup@17
        larder snapshots my.larder --tag release
        larder snapshots my.larder --untag release
      """)

  @OptionGroup var target: StoreArgument
  @Option(help: "Tag a commit, the newest if none is given: NAME or NAME@COMMIT, by id or tag.")
  var tag: TagArgument?
  @Option(help: "Remove a tag.")
  var untag: String?
  @OptionGroup var output: ReportArgument
  @OptionGroup var locks: LockArgument

  func run() throws {
    let store = try target.open(writing: tag != nil || untag != nil, locks)
    if let untag { try store.removeTag(untag) }
    if let tag { try store.tag(tag.name, at: tag.commit?.commit(in: store).id) }
    let snapshots = try store.snapshots()
    try output.write(snapshots, text: Self.text(snapshots))
  }

  private static func text(_ snapshots: [SnapshotInfo]) -> String {
    var table = Table(["commit": .right, "time": .left, "chain hash": .right, "tags": .left])
    for snapshot in snapshots {
      var notes = snapshot.tags
      if snapshot.isHead { notes.append("(newest)") }
      if snapshot.isPinned { notes.append("(being read)") }
      table.add(
        "\(snapshot.commit.id)", "\(snapshot.commit.time)",
        String(snapshot.commit.chainHash, radix: 16), notes.joined(separator: " "))
    }
    return table.text
  }
}

/// `NAME` or `NAME@COMMIT` on the command line.
struct TagArgument: ExpressibleByArgument {
  var name: String
  var commit: CommitArgument?

  init?(argument: String) {
    guard let at = argument.lastIndex(of: "@") else {
      name = argument
      return
    }
    name = String(argument[..<at])
    let text = String(argument[argument.index(after: at)...])
    guard let commit = CommitArgument(argument: text) else { return nil }
    self.commit = commit
  }
}
