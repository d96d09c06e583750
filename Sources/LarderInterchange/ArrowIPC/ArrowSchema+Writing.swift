import LarderColumns

extension FlatBuilder {
  /// Adds an Arrow schema.
  ///
  /// - Parameters:
  ///   - origins: what is to be said of each column beyond its type.
  ///   - dictionaries: which columns are dictionary-encoded; their position is the dictionary's
  ///     identifier.
  mutating func schema(
    _ schema: Schema, _ origins: [ColumnOrigin], dictionaries: [Bool]
  ) -> Place {
    var fields: [Place] = []
    for (index, field) in schema.fields.enumerated() {
      fields.append(
        self.field(
          field.name, field.type, origins[orPlain: index],
          dictionary: dictionaries[index] ? index : nil))
    }
    let vector = vector(fields)
    return table([(1, .object(vector))])
  }

  private mutating func field(
    _ name: String, _ type: DataType, _ origin: ColumnOrigin, dictionary: Int?
  ) -> Place {
    var children: [Place] = []
    if let element = type.element { children = [field("item", element, origin, dictionary: nil)] }
    let childVector = vector(children)
    let nameText = text(name)
    let (tag, typeTable) = arrowType(type, origin)
    var parts: [(Int, Field)] = [
      (0, .object(nameText)), (1, .bool(true)), (2, .byte(tag)), (3, .object(typeTable)),
      (5, .object(childVector)),
    ]
    if let dictionary {
      let index = table([(0, .int32(32)), (1, .bool(true))])
      let encoding = table([(0, .int64(Int64(dictionary))), (1, .object(index))])
      parts.append((4, .object(encoding)))
    }
    if type == .json {
      let (key, value) = (text("ARROW:extension:name"), text("arrow.json"))
      let pair = table([(0, .object(key)), (1, .object(value))])
      let metadata = vector([pair])
      parts.append((6, .object(metadata)))
    }
    return table(parts)
  }

  private mutating func arrowType(
    _ type: DataType, _ origin: ColumnOrigin
  ) -> (tag: UInt8, table: Place) {
    switch type {
    case .bool: (6, table([]))
    case .int32: (2, table([(0, .int32(32)), (1, .bool(true))]))
    case .int64: (2, table([(0, .int32(64)), (1, .bool(true))]))
    case .float32: (3, table([(0, .int16(1))]))
    case .float64: (3, table([(0, .int16(2))]))
    case .string, .json, .uuid, .decimal: (5, table([]))
    case .bytes, .opaque: (4, table([]))
    case .date: (8, table([(0, .int16(0))]))
    case .timestamp(let unit):
      {
        let unit = (0, Field.int16(Int16(unit.rawValue)))
        guard let name = origin.zoneName else { return (10, table([unit])) }
        let zone = text(name)
        return (10, table([unit, (1, .object(zone))]))
      }()
    case .list: (12, table([]))
    }
  }
}
