import ArgumentParser
import LarderFiles
import LarderInterchange

/// How many threads read files.
struct ThreadsArgument: ParsableArguments {
  @Option(help: ArgumentHelp("Threads to read with; all cores if not said.", valueName: "N"))
  var threads: CountArgument?

  /// At least one.
  var count: Int { threads?.count ?? .availableCores }
}
