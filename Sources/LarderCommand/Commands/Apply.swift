import ArgumentParser
import Larder
import LarderContract
import LarderInterchange

/// `larder apply`: definitions from a file become the store's.
struct Apply: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Create a store's views, or change them.",
    discussion: """
      Makes the store if there is none. Applying the same file twice changes nothing. Views that \
      the file does not name are left alone. No change rewrites history: features may be added, \
      dropped (with --drop), renamed ("formerly": "old_name"), and widened from int32 to int64 and \
      from float32 to float64.

      EXAMPLES
        larder apply my.larder definitions.json
        larder apply my.larder definitions.json --drop --dry-run
      """)

  @OptionGroup var target: StoreArgument
  @Argument(help: "A JSON file of entities, feature views and feature services.")
  var definitions: String
  @Flag(help: "Drop features that the store has and the file lacks.")
  var drop = false
  @Flag(help: "Only say what would change.")
  var dryRun = false
  @OptionGroup var locks: LockArgument

  func run() throws {
    let text = try ByteSource(path: definitions).readAll()
    let known = try target.knownDefinitions()
    let read = try Definitions(json: text, file: definitions, knowing: known?.allEntities ?? [])
    try target.apply(read, knowing: known, dropping: drop, dryRun: dryRun, locks)
  }
}
