import LarderColumns

/// A column of a Parquet file as a caller sees it: a field at the root of the schema, or a leaf of a
/// group there.
struct ParquetField {
  /// Of a leaf of a group: the names on the way to it, with points between.
  var name: String
  /// Of a leaf of a group: the group at the root.
  var group: String?
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
  var dataType: DataType {
    if isNull { return .string }
    return isList ? .list(leaf.dataType) : leaf.dataType
  }
  /// Whether nothing is there, whatever is stored.
  var isNull: Bool { leaf.isNull && !isList }
  /// What a copy of the column has to say of it.
  var origin: ColumnOrigin { ColumnOrigin(zone: leaf.isInstant ? "UTC" : nil, of: dataType) }
  var maxRepetition: UInt8 { isList ? 1 : 0 }
}

/// What decides how the leaves of a schema are read.
struct LeafOptions {
  /// The unit of INT96 times, and that of some columns.
  var int96Unit = TimeUnit.microseconds
  var int96Units: [String: TimeUnit] = [:]
  /// Whether unsigned integers of 64 bits are text.
  var unsignedTexts = false
}

extension FileMetadata {
  /// Walks the schema tree and says for each field of its root, and for each leaf of the groups there,
  /// how it is read.
  ///
  /// - Throws: `invalidInput` if the tree does not close.
  func fields(_ options: LeafOptions = LeafOptions()) throws(LarderError) -> [ParquetField] {
    var walk = SchemaWalk(elements: elements, options: options)
    return try walk.run()
  }

  /// How many leaf columns the schema has.
  var leafCount: Int { elements.count { $0.isLeaf } }
}

/// One pass over the schema in its depth-first order.
private struct SchemaWalk {
  let elements: [SchemaElement]
  let options: LeafOptions
  var next = 1
  var leaves = 0
  var fields: [ParquetField] = []

  /// A group on the way from the root.
  private struct Place {
    var name = ""
    var root: String?
    /// How many optional groups there are on the way.
    var definition: UInt8 = 0

    func named(_ name: String) -> String { self.name.isEmpty ? name : "\(self.name).\(name)" }
  }

  /// How deep groups are read; deeper ones are refused with their column.
  private static let depthLimit = 64

  init(elements: [SchemaElement], options: LeafOptions) {
    self.elements = elements
    self.options = options
  }

  mutating func run() throws(LarderError) -> [ParquetField] {
    guard !elements[0].isLeaf else {
      throw .malformed("The root of the schema is a column.")
    }
    for _ in 0..<elements[0].children { try field(Place(), depth: 0) }
    guard next == elements.count else {
      throw .malformed("The schema has \(elements.count - next) nodes outside its root.")
    }
    return fields
  }

  /// Says how the node that comes next is read.
  private mutating func field(_ place: Place, depth: Int) throws(LarderError) {
    guard next < elements.count else { throw .malformed("The schema ends inside a group.") }
    let start = next
    let node = elements[start]
    let name = place.named(node.name)
    if isStruct(node), depth < Self.depthLimit, node.children > 0 {
      next += 1
      var inner = Place(name: name, root: place.root ?? node.name, definition: place.definition)
      if node.repetition == .optional { inner.definition += 1 }
      for _ in 0..<node.children { try field(inner, depth: depth + 1) }
      return
    }
    let firstLeaf = leaves
    try pass()
    var shape = depth < Self.depthLimit ? shape(start, name) : .failure(tooDeep)
    if case .success(var known) = shape, place.definition > 0 {
      // A level for each optional group above: where one of them is null, so is the column.
      known.presentLevel += place.definition
      known.elementLevel += place.definition
      known.maxDefinition += place.definition
      shape = .success(known)
    }
    fields.append(
      ParquetField(
        name: name, group: place.root, leaf: firstLeaf,
        shape: shape.mapError { error in
          var error = error
          error.column = name
          return error
        }))
  }

  private var tooDeep: LarderError {
    LarderError(.limitExceeded, "The schema nests deeper than \(Self.depthLimit) groups.")
  }

  private func isStruct(_ node: SchemaElement) -> Bool {
    guard !node.isLeaf, let repetition = node.repetition, repetition != .repeated else {
      return false
    }
    switch node.annotation {
    case .list, .map, .variant: return false
    default: return true
    }
  }

  /// Passes over a node and all below it, however deep they lie.
  private mutating func pass() throws(LarderError) {
    var open = 1
    while open > 0 {
      guard next < elements.count else { throw .malformed("The schema ends inside a group.") }
      let node = elements[next]
      next += 1
      open -= 1
      if node.isLeaf {
        guard node.children == 0 else {
          throw .malformed("A column of the schema has children.")
        }
        leaves += 1
      } else {
        guard node.children <= elements.count else {
          throw .malformed("The schema ends inside a group.")
        }
        open += node.children
      }
    }
  }

  private func refusal(_ feature: String) -> LarderError {
    LarderError(
      .unsupported,
      "\(feature) are not read; leave the column out by naming the columns to read.")
  }

  /// How the field at an index is read.
  ///
  /// The tree is known to close.
  private func shape(_ index: Int, _ name: String) -> Result<ColumnShape, LarderError> {
    let node = elements[index]
    guard let repetition = node.repetition else {
      return .failure(.malformed("The column says neither required, optional nor repeated."))
    }
    let present: UInt8 = repetition == .optional ? 1 : 0
    if node.isLeaf {
      return leaf(node, name).map { type in
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
    case .list: return list(index, name, present: present)
    case .map: return .failure(refusal("Maps"))
    case .variant: return .failure(refusal("Variants"))
    default: return .failure(refusal("Groups (structs) of this form"))
    }
  }

  /// The rules by which the format tells lists of three levels from the older ones of two.
  private func list(
    _ index: Int, _ name: String, present: UInt8
  ) -> Result<ColumnShape, LarderError> {
    let node = elements[index]
    guard node.children == 1, index + 1 < elements.count,
      elements[index + 1].repetition == .repeated
    else { return .failure(refusal("Lists of an unknown form")) }
    let middle = elements[index + 1]
    if middle.isLeaf {
      return leaf(middle, name).map { type in
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
    guard element.isLeaf, let repetition = element.repetition else {
      return .failure(
        refusal(element.annotation == .list ? "Lists of lists" : "Lists of groups"))
    }
    let optional: UInt8 = repetition == .optional ? 1 : 0
    return leaf(element, name).map { type in
      ColumnShape(
        leaf: type, isList: true, presentLevel: present, elementLevel: present + 1,
        maxDefinition: present + 1 + optional)
    }
  }

  private func leaf(_ node: SchemaElement, _ name: String) -> Result<LeafType, LarderError> {
    do throws(LarderError) {
      return .success(
        try LeafType(
          node, int96Unit: options.int96Units[name] ?? options.int96Unit,
          unsignedTexts: options.unsignedTexts))
    } catch { return .failure(error) }
  }
}
