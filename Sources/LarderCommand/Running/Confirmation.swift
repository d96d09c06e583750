import Glibc
import Larder

/// Asks before what cannot be undone.
enum Confirmation {
  /// Goes on if the user agreed by `--yes`, or does so at the terminal.
  ///
  /// - Throws: `invalidArgument` where there is no terminal to ask at; `cancelled` for a no.
  static func ask(_ question: String, agreed: Bool) throws(LarderError) {
    if agreed { return }
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
