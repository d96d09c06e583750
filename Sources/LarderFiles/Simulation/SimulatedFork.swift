/// Copies of a simulated machine as it runs.
extension SimulatedFileSystem {
  /// A copy of the whole machine as it is, seen by a process that is new there.
  ///
  /// Page cache, disk and boot are the same; processes, their locks, their maps and planned faults
  /// stay behind, as if all had been killed. Files share their bytes until one of the machines
  /// writes to them.
  ///
  /// - Complexity: O(files + bytes of files that are mapped shared).
  package func fork() -> SimulatedFileSystem {
    machine.lock()
    defer { machine.unlock() }
    return machine.forked()
  }

  /// Has a closure called before each operation of the machine, in the midst of it.
  ///
  /// - Parameter body: gets the operation and a way to copy the machine as it is just before it; it
  ///   must not use the machine otherwise.
  package func watch(
    _ body: (@Sendable (SimulatedOperation, _ fork: () -> SimulatedFileSystem) -> Void)?
  ) {
    machine.lock()
    defer { machine.unlock() }
    machine.watcher = body
  }

  /// Lets somebody decide which process goes on.
  package func setTurns(_ turns: (any SimulatedTurns)?) {
    machine.lock()
    defer { machine.unlock() }
    machine.turns = turns
  }
}

extension SimulatedMachine {
  /// A copy of the machine; the mutex is held.
  func forked() -> SimulatedFileSystem {
    let copy = SimulatedMachine(seed: seed, boot: boot, rootNumber: root.number)
    copy.nextInode = nextInode
    copy.nextProcess = nextProcess + 1
    copy.capacity = capacity
    copy.isLocal = isLocal
    copy.operations = operations
    copy.keepsLog = keepsLog
    var fork = ForkedNodes(copy)
    fork.fill(copy.root, from: root, at: "/")
    return SimulatedFileSystem(machine: copy, process: nextProcess)
  }
}

/// The nodes of a copied machine, each copied once.
private struct ForkedNodes {
  private let machine: SimulatedMachine
  private var files: [UInt64: SimulatedInode] = [:]
  private var directories: [UInt64: SimulatedDirectory] = [:]

  init(_ machine: SimulatedMachine) { self.machine = machine }

  /// Gives a directory what another one has.
  ///
  /// - Parameter path: where processes see it; nil for one that was removed.
  mutating func fill(
    _ target: SimulatedDirectory, from source: SimulatedDirectory, at path: String?
  ) {
    for (name, node) in source.entries {
      let copied = copy(node, at: path.map { $0 == "/" ? "/\(name)" : "\($0)/\(name)" })
      if case .file(let inode) = copied {
        if inode.links == 0 { machine.account(0, inode.allocated) }
        inode.links += 1
      }
      target.restore(name, to: copied)
    }
    for (name, changes) in source.pending {
      target.restorePending(
        name,
        to: changes.map { change in
          SimulatedDirectory.Change(
            operation: change.operation, node: change.node.map { copy($0, at: nil) })
        })
    }
  }

  private mutating func copy(
    _ node: SimulatedDirectory.Node, at path: String?
  ) -> SimulatedDirectory.Node {
    switch node {
    case .file(let inode):
      if let known = files[inode.number] { return .file(known) }
      let made = inode.forked()
      files[inode.number] = made
      return .file(made)
    case .directory(let directory):
      if let known = directories[directory.number] { return .directory(known) }
      let made = SimulatedDirectory(number: directory.number)
      directories[directory.number] = made
      if let path { machine.directories[path] = made }
      fill(made, from: directory, at: path)
      return .directory(made)
    }
  }
}

extension SimulatedInode {
  /// A copy that shares the bytes until either is written to, without maps, locks and names.
  func forked() -> SimulatedInode {
    noteMappedStores()
    let block =
      bytes.isFixed ? SimulatedBytes(copying: bytes, count: size, capacity: size) : bytes
    let copy = SimulatedInode(number: number, bytes: block, size: size)
    copy.durableSize = durableSize
    copy.onDisk = onDisk
    copy.superseded = superseded
    copy.dropped = dropped
    return copy
  }
}

extension SimulatedFileSystem {
  /// The number of this process on its machine, as `SimulatedTurns` is told it.
  package var processNumber: Int { process }
}
