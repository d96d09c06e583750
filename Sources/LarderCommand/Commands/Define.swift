import ArgumentParser
import Larder
import LarderContract
import LarderInterchange

/// `larder define`: a view with the columns of a file.
struct Define: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Create a view with the columns of a file.",
    discussion: """
      All columns that are neither keys nor times become features; those that cannot are left out \
      with a warning. Makes the store if there is none, and an entity of its name for each key \
      that the store does not know. Defining the same view twice changes nothing. Nothing is \
      imported. `larder schema` shows the columns; `larder apply` takes definitions that say more.

      EXAMPLES
        larder define my.larder driver_stats history/ --keys driver_id \\
          --timestamp event_timestamp --created created --ttl 2d
        larder define my.larder vix vix-daily.csv --timestamp DATE
      """)

  @OptionGroup var target: StoreArgument
  @Argument(help: "The view's name.")
  var view: String
  @OptionGroup var table: TableArgument
  @Option(
    help: ArgumentHelp(
      "The join keys; without any, rows apply to everything.", valueName: "COLUMN[,COLUMN]"))
  var keys: String?
  @Option(help: ArgumentHelp("The column of event times.", valueName: "COLUMN"))
  var timestamp: String
  @Option(help: ArgumentHelp("The column of created times.", valueName: "COLUMN"))
  var created: String?
  @Option(
    help: ArgumentHelp("How old a value may be, such as 2d; else any age.", valueName: "TIME"))
  var ttl: String?
  @Option(help: "What the file's times count, if they are integers.")
  var timeUnit: TimeUnitArgument?
  @Option(
    help: """
      The unit that times are kept in, us or ns; else ns where the file has them. It never changes.
      """)
  var keep: KeptUnitArgument?
  @Option(
    help: ArgumentHelp(
      "Take a column under another name; the other options say that one.",
      valueName: "FILE_COLUMN=NAME"))
  var rename: [MappingArgument] = []
  @Flag(help: "Only say what would change.")
  var dryRun = false
  @OptionGroup var locks: LockArgument

  func run() throws {
    let summary = try table.summary()
    let columns = try ColumnNames(summary.columns, renaming: rename, file: table.file).columns
    let known = try target.knownDefinitions()
    let keys = keys?.split(separator: ",").map(String.init) ?? []
    var proposal = ViewProposal(keys: keys, timestamp: timestamp, created: created)
    proposal.integers = timeUnit?.unit
    proposal.hasTimePattern = table.text.cells.timeFormat != nil
    let view: FeatureView
    do throws(LarderError) {
      view = try proposal.view(
        self.view, columns: columns, known: known?.allEntities ?? [],
        timeToLive: try ttl.map { text throws(LarderError) in try TimeToLive.parse(text) },
        timeUnit: keep?.unit)
    } catch {
      var error = error
      if error.column != nil, error.file == nil { error.file = table.file }
      throw error
    }
    for column in columns {
      guard case .failure(let refusal) = column.type else { continue }
      Terminal.note("warning: \"\(column.name)\" is left out: \(refusal.message)")
    }
    let definitions = Definitions(entities: view.entities, featureViews: [view])
    try target.apply(definitions, knowing: known, dryRun: dryRun, locks)
  }
}
