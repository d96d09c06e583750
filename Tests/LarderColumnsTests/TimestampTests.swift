import LarderColumns
import Testing

@Suite struct TimestampTests {
  @Test func comparesExactlyAcrossUnits() {
    #expect(Timestamp(seconds: 1) == Timestamp(milliseconds: 1_000))
    #expect(Timestamp(seconds: 1) < Timestamp(nanoseconds: 1_000_000_001))
    #expect(Timestamp(seconds: .max) > Timestamp(nanoseconds: .max))
    #expect(Timestamp(seconds: .min) < Timestamp(nanoseconds: .min))
  }

  @Test func roundsTowardsTheAskedSide() {
    #expect(Timestamp(nanoseconds: -1).floor(in: .microseconds) == -1)
    #expect(Timestamp(nanoseconds: -1).ceiling(in: .microseconds) == 0)
    #expect(Timestamp(nanoseconds: 1_001).floor(in: .microseconds) == 1)
    #expect(Timestamp(nanoseconds: 1_001).ceiling(in: .microseconds) == 2)
    #expect(Timestamp(nanoseconds: 1_000).exactly(in: .microseconds) == 1)
    #expect(Timestamp(nanoseconds: 1_001).exactly(in: .microseconds) == nil)
  }

  @Test func saturatesAtTheEnds() {
    #expect(Timestamp(seconds: .max).floor(in: .nanoseconds) == .max)
    #expect(Timestamp(seconds: .min).ceiling(in: .nanoseconds) == .min)
    #expect(Timestamp(seconds: .max).exactly(in: .nanoseconds) == nil)
  }
}
