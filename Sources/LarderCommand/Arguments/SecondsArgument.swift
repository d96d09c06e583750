import ArgumentParser
import LarderContract

/// A number of seconds on the command line, with a fraction or without: not negative, and no more
/// than `CompactionOptions.mostSeconds`.
package struct SecondsArgument: ExpressibleByArgument {
  package var seconds: Double

  package init?(argument: String) {
    // Other spellings that Swift reads, such as hexadecimal ones, are not meant.
    guard argument.utf8.allSatisfy({ Array("0123456789.eE+-".utf8).contains($0) }),
      let seconds = Double(argument), seconds >= 0, seconds <= CompactionOptions.mostSeconds
    else { return nil }
    self.seconds = seconds
  }
}
