import CLarder
import LarderColumns
import LarderInterchange
import LarderKeys

/// Serializes entity keys; see `larder.h`.
@c @implementation public func larder_entity_keys(
  _ keysSchema: UnsafePointer<ArrowSchema>?, _ keys: UnsafeMutablePointer<ArrowArray>?,
  _ schema: UnsafeMutablePointer<ArrowSchema>?, _ rows: UnsafeMutablePointer<ArrowArray>?,
  _ error: UnsafeMutablePointer<larder_error>?
) -> Int32 {
  unsafe run(error) { () throws(LarderError) in
    let batch = try unsafe takeKeys(keys, keysSchema)
    let schemaPlace = try unsafe required(schema, "place for the schema")
    let place = try unsafe required(rows, "place for the rows")
    var builder = ColumnBuilder(.bytes)
    for row in 0..<batch.count {
      var fields: [(name: String, value: KeyValue)] = []
      for (field, column) in zip(batch.schema.fields, batch.columns) {
        fields.append((field.name, try keyValue(column[row], field.name, row)))
      }
      try builder.append(bytes: try EntityKey(fields).serialized)
    }
    let answer = try RecordBatch(["entity_key": builder.finish()])
    unsafe exportArrow(answer.schema, dictionaries: [false], to: schemaPlace)
    unsafe exportArrow(answer, to: place)
  }
}

private func keyValue(
  _ value: Value, _ name: String, _ row: Int
) throws(LarderError) -> KeyValue {
  switch value {
  case .string(let text): return .string(text)
  case .bytes(let bytes): return .bytes(bytes)
  case .int32(let number): return .int32(number)
  case .int64(let number): return .int64(number)
  case .timestamp(let time):
    if let seconds = time.exactly(in: .seconds) { return .timestamp(seconds: seconds) }
    throw LarderError(
      .invalidInput, "\(time) is no whole number of seconds.", column: name, row: row)
  default:
    throw LarderError(
      .invalidInput,
      "\(value) is no join key; keys are string, int32, int64, bytes and timestamp.",
      column: name, row: row)
  }
}
