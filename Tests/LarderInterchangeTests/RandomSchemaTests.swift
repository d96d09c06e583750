import LarderColumns
import TestSupport
import Testing

@testable import LarderInterchange

/// Columns of kinds that are not read, in schemas made at random: each is refused by name, and the
/// ones beside it are read.
@Suite struct RandomSchemaTests {
  // MARK: Parquet

  /// A field of a schema in the making, and the feature that it is refused for; nil if it is read.
  private struct Made {
    var elements: [SchemaElement]
    var refusal: String?
  }

  private func leaf(_ name: String, _ random: inout SeededRandom) -> SchemaElement {
    var element = SchemaElement()
    element.name = name
    element.repetition = random.chance(0.5) ? .optional : .required
    element.type = [.boolean, .int32, .int64, .float, .double, .byteArray][random.int(0...5)]
    return element
  }

  private func group(
    _ name: String, _ repetition: Repetition, _ annotation: Annotation, children: Int
  ) -> SchemaElement {
    var element = SchemaElement()
    element.name = name
    element.repetition = repetition
    element.annotation = annotation
    element.children = children
    return element
  }

  /// Some node and all below it, of any kind.
  private func anything(
    _ name: String, _ depth: Int, _ random: inout SeededRandom
  ) -> [SchemaElement] {
    if depth == 0 || random.chance(0.4) { return [leaf(name, &random)] }
    let count = random.int(1...3)
    let kinds: [Annotation] = [.none, .list, .map, .variant]
    let repetition: Repetition = random.chance(0.5) ? .optional : .required
    var elements = [group(name, repetition, kinds[random.int(0...3)], children: count)]
    for index in 0..<count { elements += anything("n\(index)", depth - 1, &random) }
    return elements
  }

  private func list(_ name: String, of elements: [SchemaElement]) -> [SchemaElement] {
    [group(name, .optional, .list, children: 1), group("list", .repeated, .none, children: 1)]
      + elements
  }

  private func field(_ name: String, _ random: inout SeededRandom) -> Made {
    let depth = random.int(1...5)
    switch random.int(0...8) {
    case 0, 1: return Made(elements: [leaf(name, &random)])
    case 2: return Made(elements: list(name, of: [leaf("element", &random)]))
    case 3:
      let inner = list("element", of: anything("element", depth, &random))
      return Made(elements: list(name, of: inner), refusal: "Lists of lists")
    case 4:
      var element = anything("element", depth, &random)
      element[0] = group("element", .optional, .none, children: 1)
      element = [element[0]] + anything("x", depth, &random)
      return Made(elements: list(name, of: element), refusal: "Lists of groups")
    case 5:
      let pair =
        [group("key_value", .repeated, .none, children: 2)]
        + [leaf("key", &random)] + anything("value", depth, &random)
      return Made(
        elements: [group(name, .optional, .map, children: 1)] + pair, refusal: "Maps")
    case 6:
      return Made(
        elements: [group(name, .optional, .variant, children: 2)]
          + [leaf("metadata", &random), leaf("value", &random)], refusal: "Variants")
    case 7:
      return Made(
        elements: [group(name, .repeated, .none, children: 1)] + anything("x", depth, &random),
        refusal: "Lists of groups")
    default:
      let count = random.int(1...4)
      var elements = [
        group(name, random.chance(0.5) ? .optional : .required, .none, children: count)
      ]
      for index in 0..<count { elements += anything("x\(index)", depth, &random) }
      return Made(elements: elements, refusal: "Groups (structs)")
    }
  }

  private func file(_ fields: [Made]) -> [UInt8] {
    var writer = CompactWriter()
    let elements = fields.flatMap(\.elements)
    writer.element { file in
      file.int32(1, 2)
      file.list(2, of: .structure, count: elements.count + 1)
      file.element { root in
        root.binary(4, "schema".utf8)
        root.int32(5, fields.count)
      }
      for element in elements {
        file.element { node in
          if let type = element.type { node.int32(1, Int(type.rawValue)) }
          if let repetition = element.repetition { node.int32(3, Int(repetition.rawValue)) }
          node.binary(4, element.name.utf8)
          if element.type == nil { node.int32(5, element.children) }
          let numbers: [(Annotation, Int16)] = [(.map, 2), (.list, 3), (.variant, 16)]
          if let logical = numbers.first(where: { $0.0 == element.annotation }) {
            node.structure(10) { $0.structure(logical.1) { _ in } }
          }
        }
      }
      file.int64(3, 0)
      file.list(4, of: .structure, count: 0)
    }
    let footer = writer.bytes
    let length = (0..<4).map { UInt8(truncatingIfNeeded: footer.count >> ($0 * 8)) }
    return Array("PAR1".utf8) + footer + length + Array("PAR1".utf8)
  }

  @Test func parquetRefusesByName() throws {
    for seed in UInt64(0)..<500 {
      var random = SeededRandom(seed: seed)
      let fields = (0..<random.int(1...8)).map { field("f\($0)", &random) }
      let source = RandomAccessBytes(file(fields), name: "random.parquet")
      let found = try #require(try describeTable(source)).columns
      try expectRefusals(fields.map { $0.refusal }, found, "seed \(seed)") { columns in
        try ParquetReader(source, options: TableReadOptions(columns: columns))
      }
    }
  }

  private func expectRefusal(
    _ what: String, _ feature: String, column: String, _ body: () throws -> Void
  ) {
    #expect {
      try body()
    } throws: { error in
      guard let error = error as? LarderError else { return false }
      let fits =
        error.code == .unsupported && error.column == column && error.message.contains(feature)
      if !fits { Issue.record("\(what): \(error)") }
      return fits
    }
  }

  /// Each field is found under its name and read, or refused for its feature, by description and
  /// by a reader that is asked for it.
  private func expectRefusals(
    _ refusals: [String?], _ found: [TableDescription.Column], _ what: String,
    reader: ([String]) throws -> any TableReader
  ) throws {
    var readable: [String] = []
    for (index, refusal) in refusals.enumerated() {
      let name = "f\(index)"
      let own = found.filter { ($0.group ?? $0.name) == name }
      try #require(!own.isEmpty, "\(what), \(name)")
      guard let refusal else {
        readable.append(name)
        #expect((try? own[0].type.get()) != nil, "\(what), \(name)")
        continue
      }
      if own[0].group != nil {
        // The leaves of a group are columns, each for itself.
        #expect(refusal == "Groups (structs)", "\(what), \(name)")
        for leaf in own {
          if case .success = leaf.type {
            readable.append(leaf.name)
          } else {
            expectRefusal("\(what), \(leaf.name)", "are not read", column: leaf.name) {
              _ = try reader([leaf.name])
            }
          }
        }
        continue
      }
      #expect(own.count == 1, "\(what), \(name)")
      expectRefusal("\(what), \(name)", refusal, column: name) { _ = try own[0].type.get() }
      expectRefusal("\(what), \(name)", refusal, column: name) { _ = try reader([name]) }
    }
    let rest = try reader(readable)
    #expect(rest.schema.fields.map(\.name) == readable, "\(what)")
    #expect(try rest.nextBatch() == nil, "\(what)")
  }

  // MARK: Arrow

  /// A field's place, and the feature it is refused for.
  private func arrowField(
    _ name: String, _ builder: inout FlatBuilder, _ random: inout SeededRandom
  ) -> (FlatBuilder.Place, String?) {
    let kind = random.int(0...7)
    switch kind {
    case 0, 1: return (node(name, plainTag(&random), [], &builder), nil)
    case 2:
      let child = node("item", plainTag(&random), [], &builder)
      return (node(name, 12, [child], &builder), nil)
    case 3:
      let inner = node("item", plainTag(&random), [], &builder)
      let middle = node("item", [12, 21][random.int(0...1)], [inner], &builder)
      return (node(name, 12, [middle], &builder), "Lists of lists")
    case 4:
      let (refused, _) = refusedNode("item", random.int(1...4), &builder, &random)
      return (node(name, 12, [refused], &builder), "Lists of ")
    default:
      let (place, feature) = refusedNode(name, random.int(1...4), &builder, &random)
      return (place, feature)
    }
  }

  private func plainTag(_ random: inout SeededRandom) -> UInt8 { [4, 5, 6][random.int(0...2)] }

  /// A node of a kind that is not read, with children of any kind.
  private func refusedNode(
    _ name: String, _ depth: Int, _ builder: inout FlatBuilder, _ random: inout SeededRandom
  ) -> (FlatBuilder.Place, String) {
    let kinds: [(UInt8, String)] = [
      (13, "Groups (structs)"), (14, "Unions"), (17, "Maps"), (22, "Run-end encoded columns"),
      (25, "List views"), (26, "List views"),
    ]
    let (tag, feature) = kinds[random.int(0...kinds.count - 1)]
    var children: [FlatBuilder.Place] = []
    for index in 0..<random.int(1...2) {
      children.append(
        depth == 0
          ? node("c\(index)", plainTag(&random), [], &builder)
          : refusedNode("c\(index)", depth - 1, &builder, &random).0)
    }
    return (node(name, tag, children, &builder), feature)
  }

  private func node(
    _ name: String, _ tag: UInt8, _ children: [FlatBuilder.Place], _ builder: inout FlatBuilder
  ) -> FlatBuilder.Place {
    let childVector = builder.vector(children)
    let text = builder.text(name)
    let type = builder.table([])
    return builder.table([
      (0, .object(text)), (1, .bool(true)), (2, .byte(tag)), (3, .object(type)),
      (5, .object(childVector)),
    ])
  }

  @Test func arrowRefusesByName() throws {
    for seed in UInt64(0)..<500 {
      var random = SeededRandom(seed: seed)
      var builder = FlatBuilder()
      var fields: [(place: FlatBuilder.Place, refusal: String?)] = []
      for index in 0..<random.int(1...8) {
        fields.append(arrowField("f\(index)", &builder, &random))
      }
      let vector = builder.vector(fields.map(\.place))
      let schema = builder.table([(1, .object(vector))])
      let message = builder.table([(0, .int16(4)), (1, .byte(1)), (2, .object(schema))])
      let metadata = builder.finish(message)
      let length = (0..<4).map { UInt8(truncatingIfNeeded: metadata.count >> ($0 * 8)) }
      let bytes = [255, 255, 255, 255] + length + metadata + [255, 255, 255, 255, 0, 0, 0, 0]
      let source = RandomAccessBytes(bytes, name: "random.arrows")
      let found = try #require(try describeTable(source)).columns
      try expectRefusals(fields.map { $0.refusal }, found, "seed \(seed)") { columns in
        try ArrowReader(source, options: TableReadOptions(columns: columns))
      }
    }
  }
}
