import LarderColumns
import LarderFiles

/// Reads an Arrow IPC file ("Feather V2") or stream as batches of columns.
///
/// The file is mapped: columns share its memory where it is aligned and not compressed, so it must
/// not be changed while batches of it live.
package final class ArrowReader: TableReader {
  package let schema: Schema
  package let origins: [ColumnOrigin]
  package let rowCount: Int?

  private let file: Buffer
  private let name: String
  private let options: TableReadOptions
  private let fields: [ArrowField]
  private let selected: [ArrowLeaf]
  private var dictionaries: [Int64: Column] = [:]
  /// Of a file: the batches still to read, the next one last.
  ///
  /// Of a stream: nil.
  private var blocks: [Int]?
  private var position: Int
  /// What is left of a batch larger than the batches asked for.
  private var rest: RecordBatch?

  /// Opens a file or a stream: reads its schema, and a file's dictionaries.
  ///
  /// - Throws: `invalidInput` if it is neither; `unsupported` for a column that is not read, with
  ///   the feature's name; `notFound` for a column that is not there; `io`.
  package init(_ source: RandomAccessBytes, options: TableReadOptions = TableReadOptions())
    throws(LarderError)
  {
    self.options = options
    name = source.name
    do throws(LarderError) {
      let file = try source.whole()
      self.file = file
      let start = try ArrowReader.start(file, unsignedTexts: options.unsignedTexts)
      let dictionaryBlocks = start.dictionaries
      blocks = start.batches?.reversed()
      position = start.position
      let fields = start.fields
      self.fields = fields
      selected = try ArrowReader.select(ArrowLeaf.all(of: fields), options.columns)
      schema = Schema(selected.map { ColumnField($0.name, $0.field.dataType) })
      origins = selected.map(\.field.origin)
      rowCount = nil
      for block in dictionaryBlocks {
        guard let message = unsafe try ArrowMessage(file.bytes, at: block),
          message.kind == .dictionary
        else { throw .malformed("The footer names a dictionary at \(block), where none is.") }
        try readDictionary(message)
      }
    } catch { throw error.located(file: source.name) }
  }

  /// What a file says of its table: all columns, also those that are not read.
  ///
  /// - Throws: `invalidInput` if it is no Arrow file or stream; `unsupported` if it is big-endian.
  package static func describe(
    _ source: RandomAccessBytes, unsignedTexts: Bool = false
  ) throws(LarderError) -> TableDescription {
    do throws(LarderError) {
      let start = try start(try source.whole(), unsignedTexts: unsignedTexts)
      return TableDescription(
        format: start.batches == nil ? .arrowStream : .arrowFile,
        columns: ArrowLeaf.all(of: start.fields).map { leaf in
          var column = TableDescription.Column(
            name: leaf.name,
            type: leaf.refusal.map { .failure($0) } ?? .success(leaf.field.dataType),
            origin: leaf.field.origin)
          column.group = leaf.group
          column.isNull = leaf.field.kind == .null && leaf.field.dictionary == nil
          return column
        }, partCount: start.batches?.count)
    } catch { throw error.located(file: source.name) }
  }

  private struct Start {
    var fields: [ArrowField] = []
    var dictionaries: [Int] = []
    /// Nil for a stream.
    var batches: [Int]?
    var position = 0
  }

  /// Reads the schema, and of a file where its messages are.
  private static func start(
    _ file: Buffer, unsignedTexts: Bool
  ) throws(LarderError) -> Start {
    var start = Start()
    let header: FlatTable
    if let footer = try footer(file) {
      header = footer.schema
      start.dictionaries = footer.dictionaries
      start.batches = footer.batches
    } else {
      guard let message = unsafe try ArrowMessage(file.bytes, at: 0), message.kind == .schema
      else { throw .malformed("An Arrow stream starts with its schema; this does not.") }
      header = message.header
      start.position = message.end
    }
    guard try header.scalar(0, default: Int16(0)) == 0 else {
      throw LarderError(.unsupported, "The file is big-endian, which is not read.")
    }
    var budget = ArrowField.countLimit
    for index in 0..<(try header.tableCount(1)) {
      start.fields.append(
        try ArrowField(
          try header.table(1, at: index), budget: &budget, unsignedTexts: unsignedTexts))
    }
    return start
  }

  /// The schema and the blocks that a file's footer names; nil for a stream.
  private static func footer(
    _ file: Buffer
  ) throws(LarderError) -> (schema: FlatTable, dictionaries: [Int], batches: [Int])? {
    let mark = Array("ARROW1".utf8)
    guard file.count >= 8, unsafe file.bytes.prefix(6).elementsEqual(mark) else { return nil }
    guard file.count >= 8 + 4 + 6, unsafe file.bytes.suffix(6).elementsEqual(mark) else {
      throw .malformed("The file does not end with \"ARROW1\", as Arrow files do.")
    }
    let end = file.count - 10
    let length = unsafe Int(file.base.loadUnaligned(fromByteOffset: end, as: Int32.self))
    guard length > 0, length <= end - 8, length <= Limits.metadataBytes else {
      throw .malformed("The file ends with a footer length of \(length).")
    }
    let bytes = unsafe UnsafeRawBufferPointer(start: file.base + (end - length), count: length)
    let footer = unsafe try FlatTable(root: bytes)
    guard let schema = try footer.table(1) else { throw .malformed("The footer has no schema.") }
    func blocks(_ field: Int) throws(LarderError) -> [Int] {
      let words = try footer.words(field, perStruct: 3)
      var offsets: [Int] = []
      for index in stride(from: 0, to: words.count, by: 3) {
        guard words[index] >= 0, words[index] < Int64(end) else {
          throw .malformed("The footer names a block at \(words[index]).")
        }
        offsets.append(Int(words[index]))
      }
      return offsets
    }
    return (schema, try blocks(2), try blocks(3))
  }

  private static func select(
    _ leaves: [ArrowLeaf], _ names: [String]?
  ) throws(LarderError) -> [ArrowLeaf] {
    var chosen = leaves
    if let names {
      chosen = []
      for name in names {
        guard let leaf = leaves.first(where: { $0.name == name }) else {
          let hint = suggestion(for: name, among: leaves.map(\.name))
          throw LarderError(.notFound, "The file has no column \"\(name)\". \(hint)")
        }
        chosen.append(leaf)
      }
    }
    var counts: [String: Int] = [:]
    for leaf in leaves { counts[leaf.name, default: 0] += 1 }
    for leaf in chosen {
      guard counts[leaf.name] == 1 else { throw LarderError.repeatedColumn(leaf.name) }
      if let refusal = leaf.refusal { throw refusal }
    }
    return chosen
  }

  package func nextBatch() throws(LarderError) -> RecordBatch? {
    do throws(LarderError) {
      var batch = rest
      rest = nil
      while batch == nil {
        guard let message = try nextMessage() else { return nil }
        batch = try readBatch(message)
      }
      guard let batch else { return nil }
      let rows = max(1, options.batchRows)
      if batch.count <= rows { return batch }
      rest = batch.slice(rows..<batch.count)
      return batch.slice(0..<rows)
    } catch { throw error.located(file: name) }
  }

  /// The next message with a batch; dictionaries before it are taken in.
  private func nextMessage() throws(LarderError) -> ArrowMessage? {
    if blocks != nil {
      guard let block = blocks?.popLast() else { return nil }
      guard let message = unsafe try ArrowMessage(file.bytes, at: block), message.kind == .batch
      else { throw .malformed("The footer names a batch at \(block), where none is.") }
      return message
    }
    while let message = unsafe try ArrowMessage(file.bytes, at: position) {
      position = message.end
      switch message.kind {
      case .batch: return message
      case .dictionary: try readDictionary(message)
      case .schema: throw .malformed("A stream has a second schema.")
      case .tensor, .sparseTensor: throw LarderError(.unsupported, "Tensors are not read.")
      }
    }
    return nil
  }

  private func readBatch(_ message: ArrowMessage) throws(LarderError) -> RecordBatch? {
    let body = try ArrowBatchBody(message.header, message: message, file: file)
    var places: [ArrowPlace] = []
    var place = ArrowPlace()
    for field in fields {
      places.append(place)
      try place.pass(field, body)
    }
    let starts = places
    let decoder = ArrowArrayDecoder(
      body: body, keepsDictionaries: options.keepsDictionaries, dictionaries: dictionaries)
    let columns = try performTasks(selected.count, threads: options.threads) {
      task, _ throws(LarderError) in
      let leaf = self.selected[task]
      do throws(LarderError) {
        let column = try decoder.column(leaf, in: self.fields[leaf.root], starts[leaf.root])
        guard column.count == body.count else {
          throw .malformed("A column of \(column.count) rows in a batch of \(body.count).")
        }
        return column
      } catch { throw error.located(file: self.name, column: leaf.name) }
    }
    return body.count == 0
      ? nil : RecordBatch(unchecked: schema, columns: columns, count: body.count)
  }

  private func readDictionary(_ message: ArrowMessage) throws(LarderError) {
    let identifier = try message.header.scalar(0, default: Int64(0))
    guard let data = try message.header.table(1) else {
      throw .malformed("A dictionary without values.")
    }
    // Dictionaries of columns that nobody asked for are passed over.
    guard let field = selected.lazy.compactMap({ $0.field.holder(of: identifier) }).first
    else { return }
    var values = field
    values.dictionary = nil
    let body = try ArrowBatchBody(data, message: message, file: file)
    let decoder = ArrowArrayDecoder(
      body: body, keepsDictionaries: false, dictionaries: dictionaries)
    do throws(LarderError) {
      if let refusal = values.refusal { throw refusal }
      guard values.dataType.layout != .list else {
        throw LarderError(.unsupported, "Dictionaries of lists are not read.")
      }
      let column = try decoder.column(values, ArrowPlace())
      if try message.header.bool(2), let old = dictionaries[identifier] {
        dictionaries[identifier] = try appended(column, to: old)
      } else {
        dictionaries[identifier] = column
      }
    } catch { throw error.located(file: name, column: field.name) }
  }

  /// A dictionary with the values of a delta behind it.
  private func appended(_ delta: Column, to old: Column) throws(LarderError) -> Column {
    guard old.count + delta.count <= Limits.batchRows else {
      throw LarderError(.limitExceeded, "A dictionary has too many values.")
    }
    var builder = ColumnBuilder(old.type)
    for part in [old, delta] {
      for row in 0..<part.count {
        if part.type.layout == .variable, part.isValid(row) {
          unsafe try builder.append(bytes: part.variableBytes(row))
        } else {
          try builder.append(part[row])
        }
      }
    }
    return builder.finish()
  }
}

extension ArrowField {
  /// The field here or below that refers to a dictionary.
  fileprivate func holder(of identifier: Int64) -> ArrowField? {
    if dictionary?.identifier == identifier { return self }
    for child in children {
      if let field = child.holder(of: identifier) { return field }
    }
    return nil
  }
}

// While threads run, they only read what is constant.
extension ArrowReader: @unchecked Sendable {}
