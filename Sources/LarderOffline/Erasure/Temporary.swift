import LarderColumns
import LarderFiles

extension Store {
  @discardableResult
  package func settle() throws(LarderError) -> StoreState { try commit { _ throws(LarderError) in nil }.state }
  func forgetEarlierRecords(_ state: StoreState) throws(LarderError) {}
}
extension Store { package var unsettledCommits: UInt64 { 0 } }
struct StateClaims { var word: StatePage.Word; var oldestRetained: UInt64; var isOfThisBoot: Bool }
extension Manifest {
  func claims(of store: FileIdentifier) throws(LarderError) -> StateClaims? { nil }
  func missingEnd() throws(LarderError) -> LarderError? { nil }
}
