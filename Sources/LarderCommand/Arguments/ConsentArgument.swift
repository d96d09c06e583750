import ArgumentParser
import Glibc
import Larder

/// Whether the user agrees to what cannot simply be undone.
struct ConsentArgument: ParsableArguments {
  @Flag(help: "Do not ask.")
  var yes = false

  /// Goes on if the user agreed by `--yes`, or does so at the terminal.
  ///
  /// - Throws: `invalidArgument` where there is no terminal to ask at; `cancelled` for a no.
  func ask(_ question: String) throws(LarderError) {
    if yes { return }
    guard isatty(0) == 1, isatty(2) == 1 else {
      throw LarderError(
        .invalidArgument, "\(question) There is no terminal to ask at; say --yes to agree.")
    }
    Terminal.write("\(question) [y/N] ")
    let answer = readLine()?.lowercased() ?? ""
    guard answer == "y" || answer == "yes" else {
      throw LarderError(.cancelled, "Nothing was changed.")
    }
  }
}
