/// A simulated directory: its entries as processes see them, and what became of each since the
/// directory was last synced.
final class SimulatedDirectory {
  /// What a name stands for.
  enum Node {
    case file(SimulatedInode)
    case directory(SimulatedDirectory)
  }

  /// What a name stood for from some operation on; nothing if it was removed.
  struct Change {
    var operation: Int
    var node: Node?
  }

  let number: UInt64
  private(set) var entries: [String: Node] = [:]
  /// For each name that changed since the last sync: what is on disk, then every change in order.
  private(set) var pending: [String: [Change]] = [:]

  init(number: UInt64) { self.number = number }

  /// Binds a name to a node, or to nothing.
  func set(_ name: String, to node: Node?, operation: Int) {
    pending[name, default: [Change(operation: 0, node: entries[name])]]
      .append(Change(operation: operation, node: node))
    entries[name] = node
  }

  /// Makes the entries durable.
  func sync() { pending.removeAll(keepingCapacity: true) }

  /// Binds a name to what survived a crash.
  func restore(_ name: String, to node: Node) { entries[name] = node }

  /// Gives a name the changes that it has on the machine that this one is a copy of.
  func restorePending(_ name: String, to changes: [Change]) { pending[name] = changes }
}
