import LarderColumns

/// A column of a Parquet file as a caller sees it: one field at the root of the schema.
struct ParquetField {
  var name: String
  /// Which of the file's leaf columns holds it.
  var leaf: Int
  /// How it is read, or why it is not.
  var shape: Result<ColumnShape, LarderError>
}

/// How a column is read.
struct ColumnShape {
  var leaf: LeafType
  /// Whether the column holds lists of the leaf.
  var isList: Bool
  /// The definition level at and above which a row is there (for a list: even if empty).
  var presentLevel: UInt8
  /// The definition level at and above which a list has an element in this place.
  var elementLevel: UInt8
  /// The definition level of a value that is not null.
  var maxDefinition: UInt8

  /// The type of the column.
  var dataType: DataType { isList ? .list(leaf.dataType) : leaf.dataType }
  /// What a copy of the column has to say of it.
  var origin: ColumnOrigin { ColumnOrigin(zone: leaf.isInstant ? "UTC" : nil, of: dataType) }
  var maxRepetition: UInt8 { isList ? 1 : 0 }
}

extension FileMetadata {
  /// Walks the schema tree and says for each field of its root how it is read.
  ///
  /// - Throws: `invalidInput` if the tree does not close.
  func fields(int96Unit: TimeUnit) throws(LarderError) -> [ParquetField] {
    var walk = SchemaWalk(elements: elements, int96Unit: int96Unit)
    return try walk.run()
  }

  /// How many leaf columns the schema has.
  var leafCount: Int { elements.count { $0.type != nil } }
}

/// One pass over the schema in its depth-first order.
private struct SchemaWalk {
  let elements: [SchemaElement]
  let int96Unit: TimeUnit
  var next = 1
  var leaves = 0

  mutating func run() throws(LarderError) -> [ParquetField] {
    var fields: [ParquetField] = []
    guard elements[0].type == nil else {
      throw .malformed("The root of the schema is a column.")
    }
    for _ in 0..<elements[0].children {
      guard next < elements.count else { throw .malformed("The schema ends inside a group.") }
      let name = elements[next].name
      let firstLeaf = leaves
      let start = next
      try pass(depth: 0)
      let shape = shape(start)
      fields.append(
        ParquetField(
          name: name, leaf: firstLeaf,
          shape: shape.mapError { error in
            var error = error
            error.column = name
            return error
          }))
    }
    guard next == elements.count else {
      throw .malformed("The schema has \(elements.count - next) nodes outside its root.")
    }
    return fields
  }

  /// Passes over a node and all below it.
  private mutating func pass(depth: Int) throws(LarderError) {
    guard depth < 64 else {
      throw LarderError(.limitExceeded, "The schema nests deeper than 64 groups.")
    }
    guard next < elements.count else { throw .malformed("The schema ends inside a group.") }
    let node = elements[next]
    next += 1
    if node.type != nil {
      guard node.children == 0 else {
        throw .malformed("A column of the schema has children.")
      }
      leaves += 1
      return
    }
    for _ in 0..<node.children { try pass(depth: depth + 1) }
  }

  private func refusal(_ feature: String) -> LarderError {
    LarderError(
      .unsupported,
      "\(feature) are not read; leave the column out by naming the columns to read.")
  }

  /// How the field at an index is read.
  ///
  /// The tree is known to close.
  private func shape(_ index: Int) -> Result<ColumnShape, LarderError> {
    let node = elements[index]
    guard let repetition = node.repetition else {
      return .failure(.malformed("The column says neither required, optional nor repeated."))
    }
    let present: UInt8 = repetition == .optional ? 1 : 0
    if node.type != nil {
      return leaf(node).map { type in
        if repetition == .repeated {
          // A repeated column without a list around it: a list that is never null.
          return ColumnShape(
            leaf: type, isList: true, presentLevel: 0, elementLevel: 1, maxDefinition: 1)
        }
        return ColumnShape(
          leaf: type, isList: false, presentLevel: present, elementLevel: present,
          maxDefinition: present)
      }
    }
    if repetition == .repeated { return .failure(refusal("Lists of groups")) }
    switch node.annotation {
    case .list: return list(index, present: present)
    case .map: return .failure(refusal("Maps"))
    case .variant: return .failure(refusal("Variants"))
    default: return .failure(refusal("Groups (structs)"))
    }
  }

  /// The rules by which the format tells lists of three levels from the older ones of two.
  private func list(_ index: Int, present: UInt8) -> Result<ColumnShape, LarderError> {
    let node = elements[index]
    guard node.children == 1, index + 1 < elements.count,
      elements[index + 1].repetition == .repeated
    else { return .failure(refusal("Lists of an unknown form")) }
    let middle = elements[index + 1]
    if middle.type != nil {
      return leaf(middle).map { type in
        ColumnShape(
          leaf: type, isList: true, presentLevel: present, elementLevel: present + 1,
          maxDefinition: present + 1)
      }
    }
    guard middle.children == 1, index + 2 < elements.count, middle.annotation != .map else {
      return .failure(refusal("Lists of groups"))
    }
    let element = elements[index + 2]
    if middle.annotation == .list || element.repetition == .repeated {
      return .failure(refusal("Lists of lists"))
    }
    if middle.name == "array" || middle.name == node.name + "_tuple" {
      return .failure(refusal("Lists of groups"))
    }
    guard element.type != nil, let repetition = element.repetition else {
      return .failure(
        refusal(element.annotation == .list ? "Lists of lists" : "Lists of groups"))
    }
    let optional: UInt8 = repetition == .optional ? 1 : 0
    return leaf(element).map { type in
      ColumnShape(
        leaf: type, isList: true, presentLevel: present, elementLevel: present + 1,
        maxDefinition: present + 1 + optional)
    }
  }

  private func leaf(_ node: SchemaElement) -> Result<LeafType, LarderError> {
    do throws(LarderError) {
      return .success(try LeafType(node, int96Unit: int96Unit))
    } catch { return .failure(error) }
  }
}
