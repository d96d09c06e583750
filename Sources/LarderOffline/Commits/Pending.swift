import LarderColumns
import LarderContract
package enum CommitRelation: Sendable, Hashable { case ancestor, unknown, foreign }
extension Snapshot {
  package func lastRevision(of view: UInt64) -> UInt64 { 0 }
  package func relation(to id: UInt64, chainHash: UInt64) -> CommitRelation {
    id <= commit.id ? .ancestor : .foreign
  }
}
extension Store {
  package func settledSnapshot() throws(LarderError) -> Snapshot { try snapshot() }
}
