import LarderConformance
import LarderContract
import Testing

@Suite struct ReferenceOnlineStoreTests {
  @Test func theReferenceConforms() throws {
    try checkOnlineStore { clock in InMemoryOnlineStore(now: { clock.now }) }
  }
}
