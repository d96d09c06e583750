import ArgumentParser

/// A whole number on the command line that is at least 1.
package struct CountArgument: ExpressibleByArgument {
  package var count: Int

  package init?(argument: String) {
    guard let count = Int(argument), count >= 1 else { return nil }
    self.count = count
  }
}
