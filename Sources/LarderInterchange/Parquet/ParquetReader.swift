import LarderColumns
import LarderFiles

/// Reads a Parquet file as batches of columns.
///
/// Memory is bounded by the batches in flight and one page per column being read, whatever the
/// size of the file and of its row groups. Several row groups, or else the columns of one, are
/// decoded at once.
package final class ParquetReader: TableReader {
  package let schema: Schema
  package let origins: [ColumnOrigin]
  /// How many rows the row groups that are not skipped have.
  package let rowCount: Int?
  /// How many row groups were left out because of the bounds.
  package let skippedRowGroups: Int

  private let source: RandomAccessBytes
  private let options: TableReadOptions
  private let fileEnd: Int
  private let columns: [SelectedColumn]
  /// Row groups still to read, the next one last.
  private var rowGroups: [RowGroup]
  /// A row group larger than a batch, of which some rows were read.
  private var partial: PartialRowGroup?
  /// Batches that are done, the next one last.
  private var ready: [RecordBatch] = []
  private var scratch: [PageScratch] = []

  /// A column to read.
  private struct SelectedColumn {
    var name: String
    var leaf: Int
    var shape: ColumnShape
  }

  private struct PartialRowGroup {
    var group: RowGroup
    var readers: [ColumnChunkReader?]
    var rowsLeft: Int
    var batchRows: Int
  }

  /// Opens a file: reads its footer and checks that the columns asked for can be read.
  ///
  /// - Throws: `invalidInput` if it is not a Parquet file; `unsupported` for a column that is not
  ///   read, with the feature's name; `notFound` for a column that is not there; `io`.
  package init(_ source: RandomAccessBytes, options: TableReadOptions = TableReadOptions())
    throws(LarderError)
  {
    self.source = source
    self.options = options
    do throws(LarderError) {
      let (metadata, fileEnd) = try ParquetReader.footer(source)
      self.fileEnd = fileEnd
      var leaves = LeafOptions()
      leaves.unsignedTexts = options.unsignedTexts
      leaves.int96Units = options.int96Units
      let guess = try metadata.fields(leaves)
      if let unit = options.int96Unit {
        leaves.int96Unit = unit
      } else {
        leaves.int96Unit = try Self.int96Unit(
          source, try ParquetReader.select(guess, options.columns), options)
      }
      let fields = try metadata.fields(leaves)
      columns = try ParquetReader.select(fields, options.columns)
      schema = Schema(columns.map { ColumnField($0.name, $0.shape.dataType) })
      origins = columns.map(\.shape.origin)
      let leafCount = metadata.leafCount
      for group in metadata.rowGroups where group.chunks.count != leafCount {
        throw .malformed(
          "A row group has \(group.chunks.count) columns, and the schema has \(leafCount).")
      }
      let filter = try RowGroupFilter(options.bounds, fields: fields, metadata: metadata)
      var kept: [RowGroup] = []
      for (index, var group) in metadata.rowGroups.enumerated() where filter.mayMatch(group) {
        group.ordinal = index + 1
        kept.append(group)
      }
      var rows = 0
      for group in kept {
        let (sum, overflow) = rows.addingReportingOverflow(group.rowCount)
        guard !overflow else { throw .malformed("The row groups have more than 2^63 rows.") }
        rows = sum
      }
      skippedRowGroups = metadata.rowGroups.count - kept.count
      rowCount = rows
      rowGroups = kept.reversed()
    } catch { throw error.located(file: source.name) }
  }

  /// What a file says of its table: all columns, also those that are not read.
  ///
  /// - Throws: `invalidInput` if it is not a Parquet file; `io`.
  package static func describe(
    _ source: RandomAccessBytes, unsignedTexts: Bool = false
  ) throws(LarderError) -> TableDescription {
    do throws(LarderError) {
      let (metadata, _) = try footer(source)
      var leaves = LeafOptions()
      leaves.unsignedTexts = unsignedTexts
      let fields = try metadata.fields(leaves)
      var rows = 0
      for group in metadata.rowGroups { rows = rows.addingReportingOverflow(group.rowCount).0 }
      return TableDescription(
        format: .parquet,
        columns: fields.map { field in
          var column = TableDescription.Column(
            name: field.name, type: field.shape.map(\.dataType))
          column.group = field.group
          if case .success(let shape) = field.shape {
            column.origin = shape.origin
            column.isNull = shape.leaf.isNull && !shape.isList
            column.isINT96 = shape.leaf.physical == .int96
          }
          return column
        }, rowCount: rows, partCount: metadata.rowGroups.count, writer: metadata.createdBy)
    } catch { throw error.located(file: source.name) }
  }

  /// The unit that INT96 times come in where none was asked for: microseconds, in which other writers
  /// mean them, unless one is no whole number of those.
  private static func int96Unit(
    _ source: RandomAccessBytes, _ columns: [SelectedColumn], _ options: TableReadOptions
  ) throws(LarderError) -> TimeUnit {
    let names = columns.filter {
      $0.shape.leaf.physical == .int96 && options.int96Units[$0.name] == nil
    }.map(\.name)
    if names.isEmpty { return .microseconds }
    var probe = options
    probe.columns = names
    probe.int96Unit = .microseconds
    do throws(LarderError) {
      let reader = try ParquetReader(source, options: probe)
      while try reader.nextBatch() != nil {}
      return .microseconds
    } catch {
      guard error.code == .invalidInput else { throw error }
      // Whatever else is wrong shows when the column is read.
      return .nanoseconds
    }
  }

  private static func select(
    _ fields: [ParquetField], _ names: [String]?
  ) throws(LarderError) -> [SelectedColumn] {
    var chosen = fields
    var counts: [String: Int] = [:]
    for field in fields { counts[field.name, default: 0] += 1 }
    if let names {
      chosen = []
      for name in names {
        guard let field = fields.first(where: { $0.name == name }) else {
          let hint = suggestion(for: name, among: fields.map(\.name))
          throw LarderError(.notFound, "The file has no column \"\(name)\". \(hint)")
        }
        chosen.append(field)
      }
    }
    var columns: [SelectedColumn] = []
    for field in chosen {
      guard counts[field.name] == 1 else { throw LarderError.repeatedColumn(field.name) }
      let shape = try field.shape.get()
      columns.append(SelectedColumn(name: field.name, leaf: field.leaf, shape: shape))
    }
    return columns
  }

  package func nextBatch() throws(LarderError) -> RecordBatch? {
    do throws(LarderError) {
      while ready.isEmpty {
        if partial != nil {
          ready.append(try readPartial())
        } else if !(try readWave()) {
          return nil
        }
      }
    } catch { throw error.located(file: source.name) }
    return ready.popLast()
  }

  /// How many rows of a row group make a batch.
  private func batchRows(_ group: RowGroup) -> Int {
    var bytes = 0
    for column in columns {
      bytes =
        bytes.addingReportingOverflow(group.chunks[column.leaf].uncompressedBytes).partialValue
    }
    let perRow = max(1, bytes) / max(1, group.rowCount) + 1
    return max(1, min(options.batchRows, Limits.batchRows, options.batchBytes / perRow))
  }

  /// Decodes the next row groups, one for each thread.
  ///
  /// - Returns: false if there are none.
  private func readWave() throws(LarderError) -> Bool {
    var wave: [RowGroup] = []
    while wave.count < max(1, options.threads), let group = rowGroups.last {
      let batchRows = batchRows(group)
      if group.rowCount > batchRows {
        if wave.isEmpty {
          rowGroups.removeLast()
          try open(group, batchRows)
          return true
        }
        break
      }
      rowGroups.removeLast()
      if group.rowCount > 0 { wave.append(group) }
    }
    guard !wave.isEmpty else { return false }
    while scratch.count < max(1, options.threads) { scratch.append(PageScratch()) }
    // Largest first, so that the threads end together.
    let groups = wave
    var tasks = groups.indices.flatMap { group in columns.indices.map { (group, $0) } }
    tasks.sort { a, b in
      groups[a.0].chunks[columns[a.1].leaf].uncompressedBytes
        > groups[b.0].chunks[columns[b.1].leaf].uncompressedBytes
    }
    let order = tasks
    let scratch = scratch
    let done = try performTasks(order.count, threads: options.threads) {
      task, worker throws(LarderError) in
      let (group, column) = order[task]
      let reader = try self.reader(groups[group], column, scratch[worker])
      return try self.read(reader, column, groups[group], groups[group].rowCount)
    }
    var places = groups.map { _ in [Column?](repeating: nil, count: columns.count) }
    for (task, column) in zip(order, done) { places[task.0][task.1] = column }
    for (group, columns) in zip(groups, places).reversed() {
      ready.append(
        RecordBatch(
          unchecked: schema, columns: columns.compactMap { $0 }, count: group.rowCount))
    }
    return true
  }

  /// A reader of a column of a row group; nil for one that holds nothing.
  private func reader(
    _ group: RowGroup, _ index: Int, _ scratch: PageScratch
  ) throws(LarderError) -> ColumnChunkReader? {
    let column = columns[index]
    do throws(LarderError) {
      let chunk = group.chunks[column.leaf]
      if column.shape.isNull { return nil }
      try check(chunk, column.shape, rows: group.rowCount)
      return try ColumnChunkReader(
        source: source, chunk: chunk, shape: column.shape, fileEnd: fileEnd,
        keepsDictionary: options.keepsDictionaries && !column.shape.isList, scratch: scratch)
    } catch { throw error.located(file: source.name, column: column.name).inRowGroup(group) }
  }

  private func check(
    _ chunk: ColumnChunk, _ shape: ColumnShape, rows: Int
  ) throws(LarderError) {
    if chunk.isEncrypted {
      throw LarderError(.unsupported, "The column is encrypted, which is not read.")
    }
    if let other = chunk.externalFile, !other.isEmpty {
      throw LarderError(.unsupported, "The column lies in another file, \(other).")
    }
    guard chunk.hasMetadata else { throw .malformed("A column chunk has no metadata.") }
    guard chunk.type == shape.leaf.physical else {
      throw .malformed("A column chunk's type is not the schema's, \(shape.leaf.physical).")
    }
    guard shape.isList ? chunk.valueCount >= rows : chunk.valueCount == rows else {
      throw .malformed(
        "A column chunk has \(chunk.valueCount) values in a row group of \(rows) rows.")
    }
  }

  private func read(
    _ reader: ColumnChunkReader?, _ column: Int, _ group: RowGroup, _ rows: Int
  ) throws(LarderError) -> Column {
    guard let reader else { return .nulls(columns[column].shape.dataType, count: rows) }
    do throws(LarderError) { return try reader.read(rows: rows) } catch {
      throw error.located(file: source.name, column: columns[column].name).inRowGroup(group)
    }
  }

  /// Starts a row group that is larger than a batch.
  private func open(_ group: RowGroup, _ batchRows: Int) throws(LarderError) {
    var readers: [ColumnChunkReader?] = []
    for index in columns.indices {
      readers.append(try reader(group, index, PageScratch()))
    }
    partial = PartialRowGroup(
      group: group, readers: readers, rowsLeft: group.rowCount, batchRows: batchRows)
  }

  private func readPartial() throws(LarderError) -> RecordBatch {
    guard var group = partial else { throw .malformed("No row group is open.") }
    let rows = min(group.batchRows, group.rowsLeft)
    let readers = group.readers
    let whole = group.group
    let columns = try performTasks(readers.count, threads: options.threads) {
      task, _ throws(LarderError) in
      try self.read(readers[task], task, whole, rows)
    }
    group.rowsLeft -= rows
    partial = group.rowsLeft > 0 ? group : nil
    return RecordBatch(unchecked: schema, columns: columns, count: rows)
  }
}

extension LarderError {
  /// The same error with the row group it happened in.
  fileprivate func inRowGroup(_ group: RowGroup) -> LarderError {
    var error = self
    error.message = "Row group \(group.ordinal): \(message)"
    return error
  }
}

// What the threads of a wave share is constant while they run: each task makes or has its own
// column reader.
extension ParquetReader: @unchecked Sendable {}
extension ColumnChunkReader: @unchecked Sendable {}
extension PageScratch: @unchecked Sendable {}
