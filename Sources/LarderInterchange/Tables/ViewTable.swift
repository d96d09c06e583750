import LarderColumns
import LarderContract

/// Reads a view's rows from a Parquet or Arrow file, batch by batch.
package struct ViewTable {
  /// Columns of the file that the view has no use for.
  package let unusedColumns: [String]
  /// Features of the view that the file does not have; they will be null.
  package let missingFeatures: [String]
  /// How many rows the file says it has, if it does.
  package var rowCount: Int? { reader.rowCount }
  /// Rows handed out before the last batch.
  package private(set) var rowsBefore = 0

  private let file: String
  private let reader: any TableReader
  private let columns: [Wanted]
  private var lastCount = 0

  /// A column of the view and the file's column that it is taken from.
  private struct Wanted {
    var name: String
    var fileColumn: String
    var conversion: LosslessConversion
    /// Where the reader has it; nil for one that the file says is all null.
    var place: Int?
  }

  /// Opens a file for a view.
  ///
  /// - Parameters:
  ///   - source: the bytes.
  ///   - view: names the columns.
  ///   - map: for a join key, time column or feature of the view, the file's column for it.
  ///   - timeUnit: what the file's times count, if they are integers.
  ///   - unsignedTexts: whether unsigned integers of 64 bits are text.
  ///   - threads: how many may decode at once.
  ///   - outside: columns that the file need not have: its folder says them.
  /// - Throws: `invalidInput` for a missing key or time column and for bytes that contradict the
  ///   format; `unsupported` for a wanted column that is not read; `notFound` for a mapping of names
  ///   that do not exist.
  package init(
    _ source: RandomAccessBytes, for view: FeatureView, map: [String: String] = [:],
    timeUnit: TimeUnit? = nil, unsignedTexts: Bool = false, threads: Int = 1,
    outside: Set<String> = []
  ) throws(LarderError) {
    guard let found = try describeTable(source, unsignedTexts: unsignedTexts) else {
      throw LarderError(.invalidInput, "It is neither Parquet nor Arrow.", file: source.name)
    }
    let names = found.columns.map(\.name)
    let wanted = ViewColumn.all(of: view)
    for field in map.keys.sorted() where !wanted.contains(where: { $0.name == field }) {
      throw LarderError(
        .notFound,
        "View \"\(view.name)\" has no column \"\(field)\" to map. "
          + suggestion(for: field, among: wanted.map(\.name)))
    }
    var columns: [Wanted] = []
    var options = TableReadOptions(columns: [], threads: threads, unsignedTexts: unsignedTexts)
    var chosen: [String] = []
    var missing: [String] = []
    for column in wanted {
      let fileColumn = map[column.name] ?? column.name
      guard let there = found.column(named: fileColumn) else {
        if outside.contains(fileColumn) { continue }
        guard !column.isRequired, map[column.name] == nil else {
          throw LarderError(
            .invalidInput,
            "The file has no column \"\(fileColumn)\". \(suggestion(for: fileColumn, among: names)) "
              + "Another column is taken with --map \(column.name)=COLUMN.", file: source.name)
        }
        missing.append(column.name)
        continue
      }
      if let other = columns.first(where: { $0.fileColumn == fileColumn }) {
        throw LarderError(
          .invalidArgument, "\"\(other.name)\" and \"\(column.name)\" both take this column.",
          file: source.name, column: fileColumn)
      }
      let type: DataType
      switch there.type {
      case .success(let found): type = found
      case .failure(let refusal): throw refusal.located(file: source.name, column: fileColumn)
      }
      let conversion = column.conversion(of: type, integers: timeUnit)
      if !there.isNull {
        do throws(LarderError) { try column.check(type, conversion) } catch {
          throw error.located(file: source.name, column: fileColumn)
        }
        if there.isINT96, case .timestamp(let unit) = column.type {
          options.int96Units[fileColumn] = unit
        }
      }
      columns.append(
        Wanted(
          name: column.name, fileColumn: fileColumn, conversion: conversion,
          place: there.isNull ? nil : chosen.count))
      if !there.isNull { chosen.append(fileColumn) }
    }
    // Rows are counted by what is read.
    if chosen.isEmpty, let first = columns.first {
      chosen = [first.fileColumn]
      columns[0].place = 0
    }
    options.columns = chosen
    guard let reader = try openTable(source, options: options) else {
      throw LarderError(.invalidInput, "It is neither Parquet nor Arrow.", file: source.name)
    }
    self.reader = reader
    self.columns = columns
    file = source.name
    missingFeatures = missing
    unusedColumns = names.filter { name in !columns.contains { $0.fileColumn == name } }
  }

  /// The next rows, with the view's names; nil at the end.
  ///
  /// - Throws: `invalidInput` with file, column and row; `unsupported`; `limitExceeded`; `io`.
  package mutating func next() throws(LarderError) -> RecordBatch? {
    rowsBefore += lastCount
    guard let batch = try reader.nextBatch() else { return nil }
    lastCount = batch.count
    var fields: [ColumnField] = []
    var values: [Column] = []
    for wanted in columns {
      do throws(LarderError) {
        values.append(
          try wanted.place.map { place throws(LarderError) in
            try wanted.conversion.convert(batch.columns[place])
          } ?? .nulls(wanted.conversion.target, count: batch.count))
      } catch { throw located(error.inColumn(wanted.name)) }
      fields.append(ColumnField(wanted.name, values[values.count - 1].type))
    }
    return RecordBatch(unchecked: Schema(fields), columns: values, count: batch.count)
  }

  /// An error about the last batch as one about the file: with its name, its column and its row.
  package func located(_ error: LarderError) -> LarderError {
    var error = error
    if error.file == nil { error.file = file }
    if let row = error.row { error.row = row + rowsBefore }
    if let column = columns.first(where: { $0.name == error.column }) {
      error.column = column.fileColumn
    }
    return error
  }
}

extension Column {
  /// A time column of a file whose times are integers or text; other columns as they are.
  ///
  /// - Parameters:
  ///   - integers: what integers count; nil to refuse them.
  ///   - texts: the unit that text in ISO 8601 is read in.
  /// - Throws: `invalidInput` with the row.
  func asTimes(integers: TimeUnit?, texts: TimeUnit) throws(LarderError) -> Column {
    switch type {
    case .int64, .int32:
      guard let integers else {
        throw LarderError.timesWithoutUnit(type)
      }
      let plain = try flattened()
      if type == .int64 { return plain.relabelled(.timestamp(integers)) }
      var times = ColumnBuilder(.timestamp(integers))
      for row in 0..<count {
        guard case .int32(let ticks) = plain[row] else {
          times.appendNull()
          continue
        }
        times.append(Int64(ticks))
      }
      return times.finish()
    case .string:
      var times = ColumnBuilder(.timestamp(texts))
      for row in 0..<count {
        guard isValid(row), self[row] != .null else {
          times.appendNull()
          continue
        }
        let bytes = unsafe variableBytes(row).bindMemory(to: UInt8.self)
        do throws(CellFlaw) {
          let cell = unsafe Span(_unsafeElements: bytes)
          times.append(try TimeCells.ticks(cell, in: texts, by: TimeReading(integers: integers)))
        } catch {
          let text = unsafe String(decoding: bytes.prefix(80), as: UTF8.self)
          throw LarderError(
            .invalidInput, "Found \"\(text)\", which is \(error.reason(type: .timestamp(texts))).",
            row: row)
        }
      }
      return times.finish()
    case .date:
      let unit = texts == .nanoseconds ? TimeUnit.microseconds : texts
      var times = ColumnBuilder(.timestamp(unit))
      let plain = try flattened()
      for row in 0..<count {
        guard case .date(let days) = plain[row] else {
          times.appendNull()
          continue
        }
        times.append(Int64(days) * 86_400 * unit.ticksPerSecond)
      }
      return times.finish()
    default: return self
    }
  }
}
