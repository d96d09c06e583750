import ArgumentParser
import Larder

/// A number of bytes on the command line, such as `512M`.
///
/// The letters K, M, G and T count in powers of 1,024.
package struct SizeArgument: ExpressibleByArgument {
  package var bytes: Int

  package init?(argument: String) {
    let scales: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40]
    var digits = Substring(argument.uppercased())
    if digits.hasSuffix("IB") { digits = digits.dropLast(2) }
    var scale = 1
    if let letter = digits.last, let known = scales[letter] {
      scale = known
      digits = digits.dropLast()
    }
    guard digits.allSatisfy(\.isASCII), let count = Int(digits), count > 0 else { return nil }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: scale)
    guard !overflow else { return nil }
    self.bytes = bytes
  }
}
