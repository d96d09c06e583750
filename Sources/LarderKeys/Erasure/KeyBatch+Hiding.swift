import LarderColumns

extension KeyBatch {
  /// The same rows, of which those have no key whose key one of some selections holds.
  ///
  /// - Throws: `corrupt` if a tail is no key of the schema.
  /// - Complexity: O(rows).
  package func hiding(_ selections: [KeySelection]) throws(LarderError) -> KeyBatch {
    let matchers = selections.compactMap { $0.matcher(among: schema) }
    if matchers.isEmpty { return self }
    var marks = KeyMarks(rows: 0..<count, use: .lookup)
    var isHiding = false
    for row in 0..<count {
      let mark = mark(row)
      if mark != .key {
        marks.set(row, mark)
      } else if try unsafe matchers.hold(tail(row)) {
        marks.set(row, .null)
        isHiding = true
      }
    }
    guard isHiding else { return self }
    return unsafe KeyBatch(
      schema: schema, count: count, base: base, offsets: offsets, marks: marks.buffer,
      owners: owners)
  }
}

extension [KeyMatcher] {
  /// Whether one of them holds the key of a tail.
  ///
  /// - Throws: `corrupt` if the bytes are no key of the set.
  package func hold(_ tail: UnsafeRawBufferPointer) throws(LarderError) -> Bool {
    for matcher in self { if try unsafe matcher.matches(tail) { return true } }
    return false
  }
}
