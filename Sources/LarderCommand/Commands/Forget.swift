import ArgumentParser
import Larder
import LarderContract
import LarderInterchange

/// `larder forget`: an entity is erased.
struct Forget: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Erase an entity from history, earlier snapshots and online tables.",
    discussion: """
      No snapshot and no online table shows the entity from the first commit on; then its rows and \
      keys leave every file. Covered is every view whose join keys include those of the entity. \
      Whatever keeps a file alive, such as a reader of an earlier snapshot, is reported as \
      pending, with exit code 1; the next command that changes the store finishes it, and so does \
      this one again. Prints a certificate in JSON, which names no key, and says what was \
      searched.

      EXAMPLES
        larder forget my.larder --entity driver driver_id=1001 --dry-run
        larder forget my.larder --entity driver driver_id=7 --certificate c.json --yes
      """)

  @OptionGroup var target: StoreArgument
  @Option(help: ArgumentHelp("The entity's name.", valueName: "NAME"))
  var entity: String
  @Argument(help: ArgumentHelp("A join key of the entity and its value.", valueName: "key=value"))
  var keys: [KeyArgument] = []
  @Option(help: ArgumentHelp("Write the certificate to a file.", valueName: "FILE"))
  var certificate: String?
  @Flag(help: "Wait for readers of earlier snapshots, as long as it takes.")
  var wait = false
  @Flag(help: "Only say what would go.")
  var dryRun = false
  @OptionGroup var consent: ConsentArgument
  @OptionGroup var locks: LockArgument

  func run() throws {
    let store = try target.open(writing: !dryRun, locks)
    let known = try store.definitions().entities
    guard let found = known.first(where: { $0.name == entity }) else {
      throw LarderError(
        .notFound,
        "There is no entity \"\(entity)\". \(suggestion(for: entity, among: known.map(\.name)))")
    }
    let key = try KeyArgument.batch(keys, of: found)
    if !dryRun {
      try consent.ask(
        "Erase this \(entity) for good, in every snapshot? Nothing brings it back.")
    }
    let report = try store.erase(
      entity, keys: key, timeout: wait ? .seconds(1 << 30) : .zero, dryRun: dryRun)
    let output = try ByteOutput.open(certificate)
    let json = try report.json() + [UInt8(ascii: "\n")]
    try output.write { $0 += json }
    try output.finish()
    Terminal.note(Self.summary(report))
    guard report.isComplete || dryRun else {
      throw Findings(description: "the erasure is not finished: it continues with the next run")
    }
  }

  private static func summary(_ report: ErasureReport) -> String {
    let keys = report.keys.reduce(0) { $0 + $1.count }
    let found = Quantity.count(keys, "key")
    if report.isDryRun {
      return report.pending.isEmpty
        ? "nothing of it is in the store" : "would erase \(found) of history"
    }
    if report.files.isEmpty, report.pending.isEmpty { return "nothing of it was in the store" }
    let removed = report.files.filter(\.isRemoved).count
    let text = "erased \(found); removed \(Quantity.count(removed, "file")) that held it"
    return ([text] + report.pending.map { "pending: \($0)" }).joined(separator: "\n")
  }
}

/// `JOIN_KEY=VALUE` on the command line; the value may be empty.
struct KeyArgument: ExpressibleByArgument {
  var name: String
  var value: String

  init?(argument: String) {
    guard let equals = argument.firstIndex(of: "="), equals > argument.startIndex else {
      return nil
    }
    name = String(argument[..<equals])
    value = String(argument[argument.index(after: equals)...])
  }

  /// One row of an entity's join keys.
  ///
  /// - Throws: `notFound` for a key that the entity does not have; `invalidArgument` for one that is
  ///   missing or given twice, or whose value is not of its type.
  static func batch(_ given: [KeyArgument], of entity: Entity) throws(LarderError) -> RecordBatch {
    let names = entity.joinKeys.map(\.name)
    for (index, argument) in given.enumerated() {
      guard names.contains(argument.name) else {
        throw LarderError(
          .notFound,
          "The entity \"\(entity.name)\" has no join key \"\(argument.name)\". "
            + suggestion(for: argument.name, among: names))
      }
      guard !given[..<index].contains(where: { $0.name == argument.name }) else {
        throw LarderError(.invalidArgument, "\"\(argument.name)\" is given twice.")
      }
    }
    var fields: [ColumnField] = []
    var columns: [Column] = []
    for key in entity.joinKeys {
      guard let argument = given.first(where: { $0.name == key.name }) else {
        throw LarderError(
          .invalidArgument,
          "The entity \"\(entity.name)\" is found by \(names.joined(separator: ", ")); say "
            + "\(key.name)=VALUE.")
      }
      var builder = ColumnBuilder(key.type.dataType)
      try builder.append(try CellText.value(of: argument.value, type: key.type.dataType))
      fields.append(ColumnField(key.name, key.type.dataType))
      columns.append(builder.finish())
    }
    return try RecordBatch(schema: Schema(fields), columns: columns)
  }
}
