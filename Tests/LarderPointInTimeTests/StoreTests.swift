import LarderColumns
import LarderConformance
import LarderContract
import LarderFiles
import LarderOffline
import LarderPointInTime
import TestSupport
import Testing

@Suite struct StoreTests {
  @Test func obeysTheContract() throws {
    try checkOfflineStore(randomCases: 0) { views in
      try StoreUnderTest.simulated(seed: 1, views: views)
    }
  }
}
