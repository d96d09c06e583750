import LarderColumns

/// A column of an Arrow file as a caller sees it: a field of the schema, or a leaf of a group there.
struct ArrowLeaf {
  /// Of a leaf of a group: the names on the way to it, with points between.
  var name: String
  /// Of a leaf of a group: the group at the root.
  var group: String?
  /// The position of the field at the root.
  var root: Int
  /// The positions of the children on the way from it.
  var path: [Int] = []
  /// What holds the values.
  var field: ArrowField

  /// The leaves of a schema's fields, in order.
  static func all(of fields: [ArrowField]) -> [ArrowLeaf] {
    var leaves: [ArrowLeaf] = []
    for (root, field) in fields.enumerated() {
      append(
        ArrowLeaf(name: field.name, group: nil, root: root, field: field), to: &leaves)
    }
    return leaves
  }

  private static func append(_ leaf: ArrowLeaf, to leaves: inout [ArrowLeaf]) {
    guard leaf.field.kind == .group, leaf.field.dictionary == nil, !leaf.field.children.isEmpty
    else {
      leaves.append(leaf)
      return
    }
    for (index, child) in leaf.field.children.enumerated() {
      append(
        ArrowLeaf(
          name: "\(leaf.name).\(child.name)", group: leaf.group ?? leaf.name, root: leaf.root,
          path: leaf.path + [index], field: child), to: &leaves)
    }
  }

  /// Why the column cannot be read, or nil.
  var refusal: LarderError? {
    guard var refusal = field.refusal else { return nil }
    refusal.column = name
    return refusal
  }
}

extension ArrowArrayDecoder {
  /// Decodes a leaf of a batch: null where it or a group above it is.
  ///
  /// - Parameter start: where the nodes and buffers of the field at the root are.
  func column(
    _ leaf: ArrowLeaf, in root: ArrowField, _ start: ArrowPlace
  ) throws(LarderError) -> Column {
    var place = start
    var group = root
    var masks: [Buffer] = []
    for index in leaf.path {
      let (count, nulls) = try body.node(place.node)
      if let bits = try validity(place, count, nulls).0 { masks.append(bits) }
      place.node += 1
      place.buffer += group.bufferCount
      for sibling in group.children[..<index] { try place.pass(sibling, body) }
      group = group.children[index]
    }
    let column = try column(leaf.field, place)
    return masks.isEmpty ? column : try column.masked(by: masks)
  }
}

extension Column {
  /// The same values, null also where one of some bitmaps has no bit.
  fileprivate func masked(by masks: [Buffer]) throws(LarderError) -> Column {
    let length = (count + 7) / 8
    guard masks.allSatisfy({ $0.count >= length }) else {
      throw .malformed("A group of a batch has fewer rows than a column in it.")
    }
    let bits = Buffer(zeroedBytes: length)
    var valid = 0
    for row in 0..<count where isValid(row) && masks.allSatisfy({ unsafe bit($0.base, row) }) {
      unsafe fillBits(bits.base, at: row, count: 1, with: true)
      valid += 1
    }
    return Column(
      type: type, count: count, nullCount: count - valid, validity: bits, offset: offset,
      values: values, bytes: bytes, child: child?.column, isDictionary: isDictionary)
  }
}
