import ArgumentParser
import Larder
import LarderContract
import LarderInterchange

/// `larder schema`: a file's columns, and the view they could be.
struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema",
    abstract: "Show the columns of a file, and propose a view for them.",
    discussion: """
      Of Parquet and Arrow files only the metadata is read; CSV is read whole, to find its types: \
      a number that would lose something of its text stays text. Several files in a folder are \
      looked at together. --read decodes every value too, which tells whether a file is whole, and \
      how fast it is read. With --json: the columns, and definitions as `larder apply` reads them.

      EXAMPLES
        larder schema history/
        larder schema weather.csv --null NA --json
      """)

  @OptionGroup var table: TableArgument
  @Flag(help: "Read every value too.")
  var read = false
  @OptionGroup var reading: ThreadsArgument
  @OptionGroup var output: ReportArgument

  func run() throws {
    let summary = try table.summary()
    let proposal = ViewProposal(guessing: summary.columns)
    let run =
      try read
      ? ReadRun(
        summary, csv: table.text.format(), unsignedTexts: table.reading.uint64AsText,
        threads: reading.count) : nil
    if let run {
      Terminal.note(
        "read \(Quantity.count(run.rows, "row")) in \(Quantity.seconds(run.seconds)), "
          + Quantity.rate(run.rows, "row", in: run.seconds))
    }
    try output.write(
      json: Self.json(summary, proposal, table.file, run),
      text: Self.text(summary, proposal, table.file))
  }

  private static func text(
    _ summary: InputSummary, _ proposal: ViewProposal?, _ path: String
  ) -> String {
    var table = Table(["column": .left, "type": .left, "note": .left])
    for column in summary.columns {
      switch column.type {
      case .success(let type):
        table.add(
          column.name, column.isNull ? "null" : "\(type)",
          column.isNull ? "holds nothing; taken for any type" : note(column.origin))
      case .failure(let refusal): table.add(column.name, "-", refusal.message)
      }
    }
    var text = table.text + "\n"
    for (file, description) in zip(summary.files, summary.tables) {
      text += "\(file): \(self.description(description))\n"
    }
    guard let proposal else {
      return text
        + "\nNo column holds times, which a view needs; integers and texts may be named:\n"
        + "  larder define STORE VIEW \(path) --keys ... --timestamp ...\n"
    }
    text += "\nAs a view:\n  larder define STORE VIEW \(path)"
    if !proposal.keys.isEmpty { text += " --keys \(proposal.keys.joined(separator: ","))" }
    text += " --timestamp \(proposal.timestamp)"
    if let created = proposal.created { text += " --created \(created)" }
    return text + "\n"
  }

  private static func note(_ origin: ColumnOrigin) -> String {
    switch origin {
    case .plain: ""
    case .noZone: "no zone; taken for UTC"
    case .zone(let name): "shown in \(name); instants in UTC"
    }
  }

  private static func description(_ table: TableDescription) -> String {
    let name =
      switch table.format {
      case .parquet: "Parquet"
      case .arrowFile: "Arrow file"
      case .arrowStream: "Arrow stream"
      case .text: "CSV"
      }
    var parts = [name]
    if let rows = table.rowCount { parts.append(Quantity.count(rows, "row")) }
    if let count = table.partCount {
      parts.append(Quantity.count(count, table.format == .parquet ? "row group" : "batch"))
    }
    if let writer = table.writer, !writer.isEmpty { parts.append("by \(writer)") }
    return parts.joined(separator: ", ")
  }

  private static func json(
    _ summary: InputSummary, _ proposal: ViewProposal?, _ path: String, _ run: ReadRun?
  ) throws(LarderError) -> JSONValue {
    let columns = summary.columns.map { column in
      var members = [JSONValue.Member("name", .text(column.name))]
      switch column.type {
      case .success(let type): members.append(.init("type", .text("\(type)")))
      case .failure(let refusal): members.append(.init("refused", .text(refusal.message)))
      }
      if case .zone(let name) = column.origin { members.append(.init("zone", .text(name))) }
      if case .noZone = column.origin { members.append(.init("zone", JSONValue(.null))) }
      return JSONValue(.object(members))
    }
    var members = [
      JSONValue.Member("files", JSONValue(.array(summary.files.map { .text($0) }))),
      .init("columns", JSONValue(.array(columns))),
    ]
    if let rows = summary.rowCount { members.append(.init("rows", .integer(rows))) }
    if let run { members.append(.init("read", run.json)) }
    if let proposal {
      let view = try proposal.view(Self.viewName(path), columns: summary.columns)
      let definitions = Definitions(entities: view.entities, featureViews: [view])
      members.append(.init("definitions", try JSONParser.parse(definitions.json, file: nil)))
    }
    return JSONValue(.object(members))
  }

  /// A view's name made of a path: its last part without what follows a point.
  private static func viewName(_ path: String) -> String {
    let last = path.split(separator: "/").last ?? "view"
    let stem = last.prefix { $0 != "." && $0 != ":" }
    return stem.isEmpty || stem == "-" ? "view" : String(stem)
  }
}
