import Larder
import LarderColumns
import LarderConformance
import LarderContract
import LarderFiles
import LarderOffline
import TestSupport
import Testing

@Suite struct ConformanceTests {
  @Test func segmentsOnTheDiskKeepTheContract() throws {
    let root = try TemporaryDirectory()
    var stores = 0
    try checkOfflineStore(randomCases: 20) { views in
      stores += 1
      let store = try SegmentOfflineStore(at: "\(root.path)/\(stores)", access: .create)
      try FeatureStore(offline: store).apply(Definitions(featureViews: views))
      return store
    }
  }

  @Test(arguments: [1, 1_001, 2_001, 3_001] as [UInt64])
  func segmentsInMemoryKeepTheContract(seed: UInt64) throws {
    var stores: UInt64 = 0
    try checkOfflineStore(randomCases: 100, seed: seed) { views in
      stores += 1
      let files = SimulatedFileSystem(seed: seed &+ stores)
      let store = try SegmentOfflineStore(
        at: "/store", access: .create, host: files.host(), options: StoreOptions())
      try FeatureStore(offline: store).apply(Definitions(featureViews: views))
      return store
    }
  }
}
