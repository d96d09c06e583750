import LarderColumns

/// One join key: its name and type.
package struct KeyColumn: Sendable, Hashable {
  package let name: String
  package let type: KeyType

  package init(_ name: String, _ type: KeyType) {
    self.name = name
    self.type = type
  }

  /// Whether name and type are the same; names by UTF-8 bytes, as Feast compares them, where
  /// Swift's `==` would take a composed and a decomposed spelling for one.
  package static func == (a: Self, b: Self) -> Bool {
    a.type == b.type && a.name.utf8.elementsEqual(b.name.utf8)
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(type)
    for byte in name.utf8 { hasher.combine(byte) }
  }
}

/// A join-key set: named and typed join keys, ordered by the UTF-8 bytes of their names.
///
/// Two views share keys, ids and key log exactly if their schemas are equal.
///
/// All keys of a schema have the same bytes up to their values, so only a *tail* is stored, hashed
/// and compared: the values' bytes in order, each string or bytes value led by its length as u32
/// but for the last such value, whose length follows from the tail's. The tail of a single int64
/// key is its 8 bytes; of a single string its UTF-8.
package struct KeySchema: Sendable, Hashable {
  /// The join keys, ordered.
  package let columns: [KeyColumn]
  /// Bytes of every tail if all types have a fixed width; nil if tails vary.
  package let stride: Int?
  /// The position of the last string or bytes column.
  private let lastVariable: Int?

  /// Makes a schema of join keys in any order.
  ///
  /// - Throws: `invalidArgument` for duplicate names; `limitExceeded` above `Limits.joinKeys` keys
  ///   or `Limits.nameBytes` bytes in a name.
  package init(_ columns: [KeyColumn]) throws(LarderError) {
    guard columns.count <= Limits.joinKeys else {
      throw LarderError(
        .limitExceeded, "\(columns.count) join keys were given; the limit is \(Limits.joinKeys).")
    }
    let sorted = columns.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    for (position, column) in sorted.enumerated() {
      guard column.name.utf8.count <= Limits.nameBytes else {
        throw LarderError(
          .limitExceeded, "A name has at most \(Limits.nameBytes) bytes.", column: column.name)
      }
      let repeated =
        position > 0 && sorted[position - 1].name.utf8.elementsEqual(column.name.utf8)
      guard !repeated else {
        throw LarderError(
          .invalidArgument, "The join key is named twice; the names of a key differ.",
          column: column.name)
      }
    }
    self.init(sorted: sorted)
  }

  private init(sorted: [KeyColumn]) {
    columns = sorted
    lastVariable = sorted.lastIndex { $0.type.fixedBytes == nil }
    stride = lastVariable == nil ? sorted.reduce(0) { $0 + ($1.type.fixedBytes ?? 0) } : nil
  }

  /// The schema of views without entities: `__dummy_id`, a string.
  package static let entityless = KeySchema(sorted: [KeyColumn("__dummy_id", .string)])
}

extension KeySchema {
  /// The bytes with which all keys of this schema begin: count and names.
  package var prefix: [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(UInt32(columns.count))
    for column in columns {
      bytes.appendLittleEndian(KeyType.string.rawValue)
      bytes.appendLittleEndian(UInt32(column.name.utf8.count))
      bytes.append(contentsOf: column.name.utf8)
    }
    return bytes
  }

  /// Whether a column's value is led by its length in a tail.
  func hasLength(_ position: Int) -> Bool {
    columns[position].type.fixedBytes == nil && position != lastVariable
  }

  /// Bytes of a serialized key whose tail has so many bytes.
  package func serializedBytes(ofTail tailBytes: Int) -> Int {
    tailBytes + fixedOverhead
  }

  /// Bytes of the longest tail that `Limits.keyBytes` allows.
  package var longestTail: Int { Limits.keyBytes - fixedOverhead }

  private var fixedOverhead: Int {
    var bytes = 4
    for position in columns.indices {
      bytes += 8 + columns[position].name.utf8.count + 8 - (hasLength(position) ? 4 : 0)
    }
    return bytes
  }

  /// Where each column's value lies in a tail.
  ///
  /// - Throws: `corrupt` if the bytes are no tail of this schema.
  package func values(
    ofTail tail: UnsafeRawBufferPointer
  ) throws(LarderError) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    ranges.reserveCapacity(columns.count)
    var offset = 0
    // What the columns after the last variable one take: with it, that one's length is known.
    let fixedRest = columns.suffix(from: (lastVariable ?? columns.endIndex - 1) + 1)
      .reduce(0) { $0 + ($1.type.fixedBytes ?? 0) }
    for (position, column) in columns.enumerated() {
      var length = column.type.fixedBytes ?? 0
      if hasLength(position) {
        guard tail.count - offset >= 4 else { throw malformed(tail.count) }
        length = unsafe Int(
          UInt32(littleEndian: tail.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
        offset += 4
      } else if position == lastVariable {
        length = tail.count - offset - fixedRest
      }
      guard length >= 0, length <= tail.count - offset else { throw malformed(tail.count) }
      ranges.append(offset..<offset + length)
      offset += length
    }
    guard offset == tail.count else { throw malformed(tail.count) }
    return ranges
  }

  private func malformed(_ bytes: Int) -> LarderError {
    LarderError(.corrupt, "\(bytes) bytes were found that are no key of \(self).")
  }

  /// Rebuilds Feast's bytes from a tail.
  ///
  /// - Throws: `corrupt` if the bytes are no tail of this schema.
  package func key(fromTail tail: UnsafeRawBufferPointer) throws(LarderError) -> [UInt8] {
    let ranges = try unsafe values(ofTail: tail)
    var bytes = prefix
    for (column, range) in zip(columns, ranges) {
      bytes.appendLittleEndian(column.type.rawValue)
      bytes.appendLittleEndian(UInt32(range.count))
      unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: tail[range]))
    }
    return bytes
  }
}

extension KeySchema: CustomStringConvertible {
  /// Names and types: `(city: string, driver_id: int64)`.
  package var description: String {
    "(" + columns.map { "\($0.name): \($0.type)" }.joined(separator: ", ") + ")"
  }
}
