import CLarder
import LarderColumns

/// Turns arrays of one struct type of the C data interface into batches.
struct ArrowImport: Sendable {
  let schema: Schema
  /// Columns whose type is null: they hold nothing, and may be of any type.
  let nullColumns: Set<String>
  private let fields: [ArrowField]

  /// Reads the struct type whose children are the columns.
  ///
  /// - Throws: `unsupported` for a column that is not read, with the feature's name; `invalidInput`
  ///   for another type than a struct, or what the specification does not allow.
  init(_ source: ArrowSchema) throws(LarderError) {
    guard let format = unsafe source.format, unsafe String(cString: format) == "+s" else {
      throw .malformed("A batch is a struct array whose children are its columns; this is none.")
    }
    var numbers = DictionaryNumbers()
    var budget = ArrowField.countLimit
    var root = ArrowField()
    root.children = []
    guard let count = unsafe Int(exactly: source.n_children), count >= 0, count <= budget else {
      throw LarderError(.limitExceeded, "A batch has at most \(ArrowField.countLimit) columns.")
    }
    for index in 0..<count {
      guard let child = unsafe source.children?[index] else {
        throw .malformed("An Arrow schema lacks one of its children.")
      }
      root.children.append(
        try unsafe ArrowField(child.pointee, dictionaries: &numbers, budget: &budget))
    }
    for field in root.children { if let refusal = field.refusal { throw refusal } }
    fields = root.children
    nullColumns = Set(fields.filter { $0.kind == .null && $0.dictionary == nil }.map(\.name))
    schema = Schema(fields.map { ColumnField($0.name, $0.dataType) })
  }

  /// Takes an array over and turns it into a batch.
  ///
  /// Buffers are shared where the engine can read them in place; the array is released when the
  /// last of them goes, or before this returns or throws.
  func batch(
    moving source: UnsafeMutablePointer<ArrowArray>
  ) throws(LarderError) -> RecordBatch {
    let owner = unsafe ForeignArray(moving: source)
    let array = unsafe owner.array
    guard unsafe array.n_children == Int64(fields.count) else {
      throw unsafe .malformed(
        "An array of \(array.n_children) columns where the schema has \(fields.count).")
    }
    guard let count = unsafe Int(exactly: array.length), count >= 0, count <= Limits.batchRows,
      let offset = unsafe Int(exactly: array.offset), offset >= 0
    else {
      throw unsafe LarderError(
        .limitExceeded, "A batch of \(array.length) rows; at most \(Limits.batchRows) are read.")
    }
    try unsafe refuseNullRows(array, offset: offset, count: count)
    var columns: [Column] = []
    for (index, field) in fields.enumerated() {
      do throws(LarderError) {
        guard let child = unsafe array.children?[index] else {
          throw .malformed("A column is missing.")
        }
        var body = ArrowArrayBody(owner: owner)
        try unsafe body.append(child.pointee, as: field, from: offset, count: count)
        let decoder = ArrowArrayDecoder(
          body: body, keepsDictionaries: true, dictionaries: body.dictionaries)
        columns.append(try decoder.column(field, ArrowPlace()))
      } catch {
        var error = error
        if error.column == nil { error.column = field.name }
        throw error
      }
    }
    return try RecordBatch(schema: schema, columns: columns, count: count)
  }

  /// Refuses rows that are null as a whole: a row of a batch has nulls, it is none.
  private func refuseNullRows(
    _ array: ArrowArray, offset: Int, count: Int
  ) throws(LarderError) {
    guard unsafe array.null_count != 0, unsafe array.n_buffers > 0,
      let bits = unsafe array.buffers?[0]
    else { return }
    for row in 0..<count where unsafe !bit(bits, offset + row) {
      throw LarderError(
        .unsupported, "The row is null as a whole; make its columns null instead.", row: row)
    }
  }
}

/// Imports one array of the C data interface.
///
/// - Parameters:
///   - array: a struct array; it is taken over, and marked released in its place.
///   - schema: its type, which stays the caller's.
/// - Throws: `unsupported` for a column that is not read, by name; `invalidInput`; `limitExceeded`.
/// - Complexity: O(1) a column where buffers are shared; text is checked to be UTF-8.
package func importArrow(
  moving array: UnsafeMutablePointer<ArrowArray>, schema: UnsafePointer<ArrowSchema>
) throws(LarderError) -> RecordBatch {
  let columns: ArrowImport
  do throws(LarderError) {
    columns = try unsafe ArrowImport(schema.pointee)
  } catch {
    // Taken over and let go: whatever happens, the array is released once.
    _ = unsafe ForeignArray(moving: array)
    throw error
  }
  return try unsafe columns.batch(moving: array)
}
