import ArgumentParser
import Larder
import LarderContract
import LarderInterchange

/// `larder demo`: real history in, training rows out, and a check that they are right.
struct Demo: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Build a store from real data, query it, and check the answers.",
    discussion: """
      Imports hourly weather, zipcodes, exchange rates and market indices from the fixtures folder \
      into a store in a temporary directory, joins them to departures, credit applications and \
      dates, prints some rows and the timings, and counts the matches a second time by a plain loop.

      EXAMPLES
        larder demo
        larder demo --data fixtures --store demo.larder
      """)

  @Option(help: ArgumentHelp("The folder of the data.", valueName: "DIR"))
  var data: String = "fixtures"
  @Option(
    help: ArgumentHelp(
      "Keep the store, in a directory that is not there yet.", valueName: "DIR"))
  var store: String?

  func run() throws {
    guard DemoDirectory.exists("\(data)/weather/weather.csv") else {
      throw LarderError(
        .notFound,
        "The demo's data is not there. Run it from the root of the repository, or name the folder "
          + "of fixtures with --data.", file: "\(data)/weather/weather.csv")
    }
    let directory = try DemoDirectory(keeping: store)
    defer { directory.remove() }
    let store = try FeatureStore(at: directory.store, access: .create)
    let output = try ByteOutput.standard()
    try output.write("A store in \(directory.store)\n\n")
    let run = DemoRun(store: store, data: data, output: output)
    try run.importAll()
    var differences = 0
    for query in DemoQuery.all { differences += try run.ask(query) }
    try output.write(
      differences == 0
        ? "All matches were counted a second time by a plain loop: no difference.\n"
        : "\(differences) answers differ from the plain loop's count.\n")
    if self.store != nil {
      try output.write("The store stays; see larder info \(directory.store)\n")
    }
    try output.finish()
    if differences > 0 { throw Findings(description: "the demo's answers are wrong") }
  }
}
