import LarderColumns

/// The footer of a file: schema, row groups, statistics.
func footer(
  _ schema: Schema, _ origins: [ColumnOrigin], rowGroups: [ParquetWriter.WrittenRowGroup],
  rowCount: Int
) -> [UInt8] {
  var writer = CompactWriter()
  writer.element { file in
    file.int32(1, 2)
    let nodes = 1 + schema.fields.reduce(0) { $0 + ($1.type.element == nil ? 1 : 3) }
    file.list(2, of: .structure, count: nodes)
    file.element { root in
      root.binary(4, "schema".utf8)
      root.int32(5, schema.fields.count)
    }
    for (index, field) in schema.fields.enumerated() {
      append(field, origins[orPlain: index], to: &file)
    }
    file.int64(3, rowCount)
    file.list(4, of: .structure, count: rowGroups.count)
    for group in rowGroups { append(group, schema, to: &file) }
    file.binary(6, "larder".utf8)
    // Each column's order is the one that its type defines.
    file.list(7, of: .structure, count: schema.fields.count)
    for _ in schema.fields { file.element { $0.structure(1) { _ in } } }
  }
  return writer.bytes
}

private func append(
  _ field: ColumnField, _ origin: ColumnOrigin, to file: inout CompactWriter
) {
  guard let element = field.type.element else {
    appendLeaf(field.name, field.type, origin, to: &file)
    return
  }
  file.element { node in
    node.int32(3, Int(Repetition.optional.rawValue))
    node.binary(4, field.name.utf8)
    node.int32(5, 1)
    node.int32(6, 3)
    node.structure(10) { $0.structure(3) { _ in } }
  }
  file.element { node in
    node.int32(3, Int(Repetition.repeated.rawValue))
    node.binary(4, "list".utf8)
    node.int32(5, 1)
  }
  appendLeaf("element", element, origin, to: &file)
}

private func appendLeaf(
  _ name: String, _ type: DataType, _ origin: ColumnOrigin, to file: inout CompactWriter
) {
  file.element { node in
    node.int32(1, Int(physical(type).rawValue))
    node.int32(3, Int(Repetition.optional.rawValue))
    node.binary(4, name.utf8)
    switch type {
    case .string, .uuid, .decimal:
      node.int32(6, 0)
      node.structure(10) { $0.structure(1) { _ in } }
    case .json:
      node.int32(6, 19)
      node.structure(10) { $0.structure(12) { _ in } }
    case .date:
      node.int32(6, 6)
      node.structure(10) { $0.structure(6) { _ in } }
    case .timestamp(let unit):
      // The older mark means instants, and there is none for nanoseconds.
      if unit != .nanoseconds, origin != .noZone { node.int32(6, unit == .microseconds ? 10 : 9) }
      node.structure(10) { logical in
        logical.structure(8) { time in
          time.bool(1, origin != .noZone)
          time.structure(2) { choice in
            choice.structure(unit == .nanoseconds ? 3 : unit == .microseconds ? 2 : 1) { _ in }
          }
        }
      }
    default: break
    }
  }
}

private func physical(_ type: DataType) -> PhysicalType {
  switch type {
  case .bool: .boolean
  case .int32, .date: .int32
  case .int64, .timestamp: .int64
  case .float32: .float
  case .float64: .double
  case .string, .bytes, .json, .uuid, .decimal, .opaque, .list: .byteArray
  }
}

private func append(
  _ group: ParquetWriter.WrittenRowGroup, _ schema: Schema, to file: inout CompactWriter
) {
  file.element { row in
    row.list(1, of: .structure, count: group.chunks.count)
    for (field, written) in zip(schema.fields, group.chunks) {
      row.element { column in
        column.int64(2, 0)
        column.structure(3) { append(written, field, to: &$0) }
      }
    }
    row.int64(2, group.chunks.reduce(0) { $0 + $1.chunk.uncompressedBytes })
    row.int64(3, group.rows)
    if let first = group.chunks.first { row.int64(5, first.offset) }
    row.int64(6, group.chunks.reduce(0) { $0 + $1.bytes })
  }
}

private func append(
  _ written: (chunk: EncodedChunk, offset: Int, bytes: Int), _ field: ColumnField,
  to metadata: inout CompactWriter
) {
  let chunk = written.chunk
  metadata.int32(1, Int(physical(field.type.element ?? field.type).rawValue))
  let encodings: [Encoding] =
    chunk.hasDictionary ? [.plain, .rle, .rleDictionary] : [.plain, .rle]
  metadata.list(2, of: .int32, count: encodings.count)
  for encoding in encodings { metadata.element(Int(encoding.rawValue)) }
  let path = field.type.element == nil ? [field.name] : [field.name, "list", "element"]
  metadata.list(3, of: .binary, count: path.count)
  for name in path { metadata.element(name.utf8) }
  metadata.int32(4, Int(CompressionCodec.zstd.rawValue))
  metadata.int64(5, chunk.slots)
  metadata.int64(6, chunk.uncompressedBytes)
  metadata.int64(7, written.bytes)
  metadata.int64(9, written.offset + chunk.dataPageOffset)
  if chunk.hasDictionary { metadata.int64(11, written.offset) }
  metadata.structure(12) { statistics in
    statistics.int64(3, chunk.nullCount)
    if let maximum = chunk.maximum { statistics.binary(5, maximum) }
    if let minimum = chunk.minimum { statistics.binary(6, minimum) }
  }
}
