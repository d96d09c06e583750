import CLarder
import Glibc
import LarderColumns

/// Exports the columns of a schema as the struct type of their batches.
///
/// Instants are exported in UTC. JSON is text of the extension type `arrow.json`; UUIDs and
/// decimals are plain text.
///
/// - Parameters:
///   - schema: the columns.
///   - dictionaries: which of them come as dictionary arrays with int32 indexes.
///   - target: overwritten; its `release` must be called once.
package func exportArrow(
  _ schema: Schema, dictionaries: [Bool], to target: UnsafeMutablePointer<ArrowSchema>
) {
  let children = zip(schema.fields, dictionaries).map { field, isDictionary in
    ExportedField(name: field.name, type: field.type, isDictionary: isDictionary)
  }
  unsafe fill(target, format: "+s", name: "", isJSON: false, children: children, values: nil)
}

/// What becomes one `ArrowSchema`.
private struct ExportedField {
  var name: String
  var type: DataType
  var isDictionary: Bool
}

private func fill(_ target: UnsafeMutablePointer<ArrowSchema>, _ field: ExportedField) {
  if field.isDictionary {
    let values = ExportedField(name: "", type: field.type, isDictionary: false)
    unsafe fill(
      target, format: "i", name: field.name, isJSON: false, children: [], values: values)
    return
  }
  let children = field.type.element.map {
    [ExportedField(name: "item", type: $0, isDictionary: false)]
  }
  unsafe fill(
    target, format: arrowFormat(field.type), name: field.name, isJSON: field.type == .json,
    children: children ?? [], values: nil)
}

private func fill(
  _ target: UnsafeMutablePointer<ArrowSchema>, format: String, name: String, isJSON: Bool,
  children: [ExportedField], values: ExportedField?
) {
  var schema = unsafe ArrowSchema()
  unsafe schema.format = UnsafePointer(strdup(format))
  unsafe schema.name = UnsafePointer(strdup(name))
  unsafe schema.metadata = isJSON ? jsonMetadata() : nil
  unsafe schema.flags = Int64(ARROW_FLAG_NULLABLE)
  unsafe schema.n_children = Int64(children.count)
  if !children.isEmpty {
    let list = UnsafeMutablePointer<UnsafeMutablePointer<ArrowSchema>?>.allocate(
      capacity: children.count)
    for (index, child) in children.enumerated() {
      let place = UnsafeMutablePointer<ArrowSchema>.allocate(capacity: 1)
      unsafe fill(place, child)
      unsafe (list + index).initialize(to: place)
    }
    unsafe schema.children = list
  }
  if let values {
    let place = UnsafeMutablePointer<ArrowSchema>.allocate(capacity: 1)
    unsafe fill(place, values)
    unsafe schema.dictionary = place
  }
  unsafe schema.release = releaseSchema
  unsafe target.initialize(to: schema)
}

/// Lets go of a schema and of those below it that nobody moved away.
private func releaseSchema(_ target: UnsafeMutablePointer<ArrowSchema>?) {
  guard let target = unsafe target, unsafe target.pointee.release != nil else { return }
  let schema = unsafe target.pointee
  unsafe free(UnsafeMutableRawPointer(mutating: schema.format))
  unsafe free(UnsafeMutableRawPointer(mutating: schema.name))
  unsafe free(UnsafeMutableRawPointer(mutating: schema.metadata))
  func drop(_ child: UnsafeMutablePointer<ArrowSchema>?) {
    guard let child = unsafe child else { return }
    if let release = unsafe child.pointee.release { unsafe release(child) }
    unsafe child.deallocate()
  }
  if let children = unsafe schema.children {
    for index in 0..<Int(unsafe schema.n_children) { unsafe drop(children[index]) }
    unsafe children.deallocate()
  }
  unsafe drop(schema.dictionary)
  unsafe target.pointee.release = nil
}

/// Metadata of one pair, `ARROW:extension:name` = `arrow.json`, as the specification lays it out.
private func jsonMetadata() -> UnsafePointer<CChar>? {
  let words = [Array("ARROW:extension:name".utf8), Array("arrow.json".utf8)]
  let total = 4 + words.reduce(0) { $0 + 4 + $1.count }
  guard let start = unsafe malloc(total) else { return nil }
  unsafe start.storeBytes(of: 1, as: Int32.self)
  var at = 4
  for word in words {
    unsafe start.storeBytes(of: Int32(word.count), toByteOffset: at, as: Int32.self)
    at += 4
    for byte in word {
      unsafe start.storeBytes(of: byte, toByteOffset: at, as: UInt8.self)
      at += 1
    }
  }
  return unsafe UnsafePointer(start.assumingMemoryBound(to: CChar.self))
}

/// The format string of a type.
private func arrowFormat(_ type: DataType) -> String {
  switch type {
  case .bool: "b"
  case .int32: "i"
  case .int64: "l"
  case .float32: "f"
  case .float64: "g"
  case .string, .json, .uuid, .decimal: "u"
  case .bytes, .opaque: "z"
  case .date: "tdD"
  case .timestamp(.seconds): "tss:UTC"
  case .timestamp(.milliseconds): "tsm:UTC"
  case .timestamp(.microseconds): "tsu:UTC"
  case .timestamp(.nanoseconds): "tsn:UTC"
  case .list: "+l"
  }
}
