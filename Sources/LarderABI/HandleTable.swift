import LarderColumns

/// What C holds for an object: a number that is looked up, never an address.
///
/// From its lowest bit on: 1, which no address of an object has; the place in the table; its turn,
/// which counts the uses of the place from a random number on, so that a number that is off by a bit
/// is no neighbour's handle; the table's own number.
struct Handle {
  var bits: UInt64

  static let placeBits: UInt64 = 20
  static let turnBits: UInt64 = 20
  static let tableBits: UInt64 = 23

  init(bits: UInt64) { self.bits = bits }

  init(table: UInt64, turn: UInt64, place: Int) {
    bits = ((table << Self.turnBits | turn) << Self.placeBits | UInt64(place)) << 1 | 1
  }

  var place: Int { Int(bits >> 1 & (1 << Self.placeBits - 1)) }
  var turn: UInt64 { bits >> (1 + Self.placeBits) & (1 << Self.turnBits - 1) }
  var table: UInt64 { bits >> (1 + Self.placeBits + Self.turnBits) }
}

/// The objects that C holds.
///
/// A number is never used twice, so one that was given back is told from all others: C and its
/// callers may keep it, copy it, use it from another thread while it is given back, or send it to
/// another process, and get an error for it. Each process has a table with a random number of its
/// own, a forked child too.
final class HandleTable: Sendable {
  private static let perProcess = PerProcess<HandleTable> { HandleTable(of: $0) }
  /// That of this process.
  static var current: HandleTable { perProcess.value }

  private struct Place {
    var object: (any AnyObject & Sendable)?
    let first: UInt64
    var turn: UInt64

    init() {
      first = .random(in: 0..<(1 << Handle.turnBits))
      turn = first
    }

    /// Goes on to the next turn; false if all were used.
    mutating func advance() -> Bool {
      turn = (turn + 1) & (1 << Handle.turnBits - 1)
      return turn != first
    }
  }
  private struct Places {
    var all: [Place] = []
    /// Those without an object that may be used again.
    var free: [Int] = []
  }
  private let places = ForkSafeMutex(Places())
  private let number: UInt64
  /// The numbers of the tables of the processes that this one is a fork of.
  private let parents: [UInt64]

  private init(of parent: HandleTable?) {
    let parents = parent.map { $0.parents + [$0.number] } ?? []
    var number: UInt64
    repeat {
      number = .random(in: 1..<(1 << Handle.tableBits))
    } while parents.contains(number)
    self.number = number
    self.parents = parents
  }

  /// Takes an object in.
  ///
  /// - Throws: `limitExceeded` if all places are taken.
  func add(_ object: some AnyObject & Sendable) throws(LarderError) -> Handle {
    try places.withLock { (places) throws(LarderError) in
      let place: Int
      if let free = places.free.popLast() {
        place = free
      } else {
        place = places.all.count
        guard place < 1 << Handle.placeBits else {
          throw LarderError(
            .limitExceeded,
            "\(place) stores and jobs are open; close those that are no longer needed.")
        }
        places.all.append(Place())
      }
      places.all[place].object = object
      return Handle(table: number, turn: places.all[place].turn, place: place)
    }
  }

  /// The object of a handle.
  ///
  /// - Throws: `closed`, `forked`, `invalidArgument`, by the name of what is asked for.
  func object(_ handle: Handle, _ name: String) throws(LarderError) -> any AnyObject & Sendable {
    try check(handle, name)
    let found: (any AnyObject & Sendable)? = places.withLock { places in
      guard places.all.indices.contains(handle.place), places.all[handle.place].turn == handle.turn
      else { return nil }
      return places.all[handle.place].object
    }
    guard let found else { throw LarderError(.closed, "The \(name) was closed.") }
    return found
  }

  private func check(_ handle: Handle, _ name: String) throws(LarderError) {
    if handle.bits & 1 == 1, handle.table == number { return }
    if handle.bits & 1 == 1, parents.contains(handle.table) {
      throw LarderError(
        .forked,
        "The \(name) was opened before this process was forked; open it again in the child.")
    }
    throw LarderError(
      .invalidArgument,
      "The \(name) is no handle of this process. Handles cannot be sent from one to another; open "
        + "the store again.")
  }

  /// Takes an object out.
  ///
  /// Whoever uses it at the moment keeps it until they are done.
  func remove<Object: AnyObject>(_ handle: Handle, _ type: Object.Type) {
    guard handle.bits & 1 == 1, handle.table == number else { return }
    // It may go at the end of this function, and not under the lock.
    let gone: (any AnyObject & Sendable)? = places.withLock { places in
      guard places.all.indices.contains(handle.place),
        places.all[handle.place].turn == handle.turn,
        places.all[handle.place].object is Object
      else { return nil }
      let object = places.all[handle.place].object
      places.all[handle.place].object = nil
      // A place whose turns are used up is left alone.
      if places.all[handle.place].advance() { places.free.append(handle.place) }
      return object
    }
    withExtendedLifetime(gone) {}
  }
}
