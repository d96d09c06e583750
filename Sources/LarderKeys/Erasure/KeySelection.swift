import LarderColumns

/// Entities that are chosen by all or some of the join keys of wider join-key sets.
///
/// A selection by `customer_id` covers the keys (customer_id) and (customer_id, merchant_id) alike:
/// it holds every key whose `customer_id` is one of its own.
package struct KeySelection: Sendable {
  /// The join keys that choose.
  package let schema: KeySchema
  private var tails: Set<[UInt8]> = []

  /// Makes a selection of tails of a schema.
  package init(_ schema: KeySchema, tails: some Sequence<[UInt8]> = []) {
    self.schema = schema
    self.tails = Set(tails)
  }

  /// Makes a selection of a batch's keys; rows without a key choose nothing.
  package init(_ batch: KeyBatch) {
    schema = batch.schema
    for row in 0..<batch.count where batch.mark(row) == .key {
      tails.insert(unsafe Array(batch.tail(row)))
    }
  }

  /// How many keys choose.
  package var count: Int { tails.count }

  /// Adds a key.
  package mutating func insert(_ tail: UnsafeRawBufferPointer) {
    tails.insert(unsafe Array(tail))
  }

  /// Finds the selection's keys among those of a join-key set.
  ///
  /// - Returns: nil if the set lacks one of the selection's join keys, or has it with another type.
  package func matcher(among wide: KeySchema) -> KeyMatcher? {
    guard wide != schema else { return KeyMatcher(self, wide: wide, positions: nil) }
    var positions: [Int] = []
    for column in schema.columns {
      guard let position = wide.columns.firstIndex(of: column) else { return nil }
      positions.append(position)
    }
    return KeyMatcher(self, wide: wide, positions: positions)
  }

  func contains(_ tail: [UInt8]) -> Bool { tails.contains(tail) }

  /// The selection's keys, in no order.
  package var allTails: [[UInt8]] { Array(tails) }
}

/// Tells which keys of one join-key set a selection holds.
package struct KeyMatcher: Sendable {
  private let selection: KeySelection
  private let wide: KeySchema
  // Where the selection's columns are in the set; nil if the schemas are equal.
  private let positions: [Int]?

  init(_ selection: KeySelection, wide: KeySchema, positions: [Int]?) {
    self.selection = selection
    self.wide = wide
    self.positions = positions
  }

  /// Whether every key of the selection is one key of the set, so that it can be looked up.
  package var isExact: Bool { positions == nil }

  /// Whether the selection holds the key of a tail.
  ///
  /// - Throws: `corrupt` if the bytes are no key of the set.
  package func matches(_ tail: UnsafeRawBufferPointer) throws(LarderError) -> Bool {
    guard let positions else { return unsafe selection.contains(Array(tail)) }
    let ranges = try unsafe wide.values(ofTail: tail)
    var narrow: [UInt8] = []
    for (own, position) in positions.enumerated() {
      let value = unsafe UnsafeRawBufferPointer(rebasing: tail[ranges[position]])
      if selection.schema.hasLength(own) { narrow.appendLittleEndian(UInt32(value.count)) }
      unsafe narrow.append(contentsOf: value)
    }
    return selection.contains(narrow)
  }
}
