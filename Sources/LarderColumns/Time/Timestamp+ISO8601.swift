extension Timestamp: CustomStringConvertible {
  /// The instant in ISO 8601, UTC: `2013-01-01T06:00:00Z`.
  public var description: String {
    var text: [UInt8] = []
    ISO8601.append(ticks: ticks, unit: unit, to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  /// Reads an instant in ISO 8601; without a zone it is UTC, and a date alone is its first instant.
  ///
  /// - Parameters:
  ///   - text: such as `2013-01-01T06:00:00Z`, `2013-01-01 07:00+01:00` or `2013-01-01`.
  ///   - unit: the unit to count in; nil for microseconds, or nanoseconds where the text is finer.
  /// - Throws: `invalidArgument` for what is not a time, or has a remainder below the unit.
  public init(iso8601 text: String, unit: TimeUnit? = nil) throws(LarderError) {
    let bytes = Array(text.utf8)
    do throws(ISO8601.Flaw) {
      if let unit {
        self.init(ticks: try ISO8601.ticks(bytes.span, in: unit), unit: unit)
        return
      }
      do throws(ISO8601.Flaw) {
        let ticks = try ISO8601.ticks(bytes.span, in: .microseconds)
        self.init(ticks: ticks, unit: .microseconds)
      } catch .finerThanUnit {
        let ticks = try ISO8601.ticks(bytes.span, in: .nanoseconds)
        self.init(ticks: ticks, unit: .nanoseconds)
      }
    } catch {
      throw LarderError(.invalidArgument, "\"\(text)\" is not a time: \(error.reason).")
    }
  }
}
