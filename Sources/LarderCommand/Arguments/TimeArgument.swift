import ArgumentParser
import Larder

/// A time on the command line, in ISO 8601.
package struct TimeArgument: ExpressibleByArgument {
  package var time: Timestamp

  package init?(argument: String) {
    do throws(LarderError) { time = try Timestamp(iso8601: argument) } catch { return nil }
  }
}

/// A unit that a view can keep times in, on the command line.
package struct KeptUnitArgument: ExpressibleByArgument {
  package var unit: TimeUnit

  private static let units: [TimeUnit] = [.microseconds, .nanoseconds]

  package init?(argument: String) {
    guard let unit = Self.units.first(where: { $0.description == argument }) else { return nil }
    self.unit = unit
  }

  package static var allValueStrings: [String] { units.map(\.description) }
}

/// A time unit on the command line.
package struct TimeUnitArgument: ExpressibleByArgument {
  package var unit: TimeUnit

  package init?(argument: String) {
    guard let unit = TimeUnit.allCases.first(where: { $0.description == argument }) else {
      return nil
    }
    self.unit = unit
  }

  package static var allValueStrings: [String] { TimeUnit.allCases.map(\.description) }
}
