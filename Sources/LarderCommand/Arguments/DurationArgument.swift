import ArgumentParser
import Larder
import LarderContract

/// A duration on the command line, as definitions write them: `500ms`, `90s`, `15m`.
package struct DurationArgument: ExpressibleByArgument {
  package var duration: Duration

  init(duration: Duration) { self.duration = duration }

  package init?(argument: String) {
    do throws(LarderError) { duration = try TimeToLive.parse(argument) } catch { return nil }
  }

  package var defaultValueDescription: String { TimeToLive.text(duration) }
}
