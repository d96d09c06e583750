import LarderColumns

extension KeyBatch {
  /// Converts join-key columns to keys.
  ///
  /// Conversion is lossless or it is refused: integers of any width and integral floats become
  /// int32 or int64 (NaN is null), instants become whole seconds, text stays text.
  ///
  /// - Parameters:
  ///   - columns: one for each of the schema's columns, in its order, under the names that messages
  ///     shall use (a projection's differ from the join keys').
  ///   - schema: the join keys.
  ///   - rows: which rows of the columns; row numbers in errors count from the columns' first.
  ///   - use: what becomes of nulls and of values out of range.
  /// - Throws: `invalidInput` with column and row for another kind of type, a fraction, an instant
  ///   within a second, and on write for nulls and values out of range; `limitExceeded` for tails
  ///   of 2 GiB and more in one batch, and on write for a key above `Limits.keyBytes`.
  package init(
    _ columns: [(name: String, column: Column)], schema: KeySchema, rows: Range<Int>,
    for use: KeyUse
  ) throws(LarderError) {
    guard columns.count == schema.columns.count else {
      throw LarderError(
        .invalidArgument, "\(columns.count) columns were given for the join keys \(schema).")
    }
    guard columns.allSatisfy({ $0.column.count >= rows.upperBound }) else {
      throw LarderError(.invalidArgument, "The rows \(rows) are not all in the columns.")
    }
    var marks = KeyMarks(rows: rows, use: use)
    var parts: [KeyPart] = []
    for (position, (name, column)) in columns.enumerated() {
      let type = schema.columns[position].type
      let source = KeySource(
        name: name, column: column, rows: rows, firstRow: rows.lowerBound)
      if type.fixedBytes == nil {
        parts.append(try source.varying(as: type, &marks))
      } else {
        parts.append(try source.fixed(as: type, &marks))
      }
    }
    let plain: KeyBatch
    if parts.count == 1, let part = parts.first {
      plain = unsafe KeyBatch(
        schema: schema, count: rows.count, base: part.base, offsets: part.offsets, marks: nil,
        owners: part.owners)
    } else if let stride = schema.stride {
      plain = KeyBatch.interleaved(parts, stride: stride, schema: schema, rows: rows.count)
    } else {
      plain = try KeyBatch.joined(parts, schema: schema, rows: rows.count)
    }
    try plain.markLong(columns, &marks)
    self = unsafe KeyBatch(
      schema: schema, count: plain.count, base: plain.base, offsets: plain.offsets,
      marks: marks.buffer, owners: plain.owners)
  }

  /// Finds keys above the limit.
  private func markLong(
    _ columns: [(name: String, column: Column)], _ marks: inout KeyMarks
  ) throws(LarderError) {
    guard let offsets = unsafe offsets, count > 0 else { return }
    let limit = Int32(clamping: schema.longestTail)
    var longest: Int32 = 0
    for row in 0..<count { unsafe longest = max(longest, offsets[row + 1] &- offsets[row]) }
    guard longest > limit else { return }
    for row in 0..<count {
      guard unsafe offsets[row + 1] &- offsets[row] > limit, mark(row, marks) == .key else {
        continue
      }
      if marks.use == .write {
        throw LarderError(
          .limitExceeded, "A serialized entity key has at most \(Limits.keyBytes) bytes.",
          column: columns.first?.name, row: marks.rows.lowerBound + row)
      }
      marks.set(row, .outOfRange)
    }
  }

  private func mark(_ row: Int, _ marks: KeyMarks) -> KeyMark {
    guard let buffer = marks.buffer else { return .key }
    return unsafe KeyMark(rawValue: buffer.base.load(fromByteOffset: row, as: UInt8.self)) ?? .key
  }

  /// Joins fixed-width values row by row.
  private static func interleaved(
    _ parts: [KeyPart], stride: Int, schema: KeySchema, rows: Int
  ) -> KeyBatch {
    let tails = Buffer(uninitializedBytes: rows * stride)
    var offset = 0
    for part in parts {
      unsafe scatter(part, to: tails.base + offset, stride: stride, rows: rows)
      offset += part.width
    }
    return unsafe KeyBatch(
      schema: schema, count: rows,
      base: UnsafePointer(tails.base.assumingMemoryBound(to: UInt8.self)), offsets: nil, marks: nil,
      owners: [tails])
  }

  /// Joins values of which some vary: first the tails' lengths, then column by column the bytes.
  private static func joined(
    _ parts: [KeyPart], schema: KeySchema, rows: Int
  ) throws(LarderError) -> KeyBatch {
    let offsets = Buffer(uninitializedBytes: (rows + 1) * 4)
    let cursors = Buffer(uninitializedBytes: rows * 4)
    let starts = unsafe offsets.base.assumingMemoryBound(to: Int32.self)
    let at = unsafe cursors.base.assumingMemoryBound(to: Int32.self)
    var fixed = 0
    for (position, part) in parts.enumerated() {
      fixed += part.width + (schema.hasLength(position) ? 4 : 0)
    }
    var total = 0
    for row in 0..<rows {
      unsafe starts[row] = Int32(truncatingIfNeeded: total)
      unsafe at[row] = Int32(truncatingIfNeeded: total)
      var length = fixed
      for part in parts {
        if let own = unsafe part.offsets { unsafe length += Int(own[row + 1] &- own[row]) }
      }
      total += length
      guard total <= Limits.columnBytes else {
        throw LarderError(
          .limitExceeded,
          "The keys of one batch have at most \(Limits.columnBytes) bytes; use smaller batches.")
      }
    }
    unsafe starts[rows] = Int32(truncatingIfNeeded: total)
    let tails = Buffer(uninitializedBytes: total)
    let target = unsafe tails.base.assumingMemoryBound(to: UInt8.self)
    for (position, part) in parts.enumerated() {
      unsafe place(
        part, withLength: schema.hasLength(position), to: target, cursors: at, rows: rows)
    }
    return unsafe KeyBatch(
      schema: schema, count: rows, base: UnsafePointer(target), offsets: UnsafePointer(starts),
      marks: nil, owners: [tails, offsets])
  }
}

/// Copies a column of fixed width to every `stride` bytes.
private func scatter(
  _ part: KeyPart, to target: UnsafeMutableRawPointer, stride: Int, rows: Int
) {
  if part.width == 8 {
    let values = unsafe UnsafeRawPointer(part.base).assumingMemoryBound(to: UInt64.self)
    for row in 0..<rows {
      unsafe target.storeBytes(of: values[row], toByteOffset: row &* stride, as: UInt64.self)
    }
  } else {
    let values = unsafe UnsafeRawPointer(part.base).assumingMemoryBound(to: UInt32.self)
    for row in 0..<rows {
      unsafe target.storeBytes(of: values[row], toByteOffset: row &* stride, as: UInt32.self)
    }
  }
}

/// Copies a column's values to where each row's cursor stands, and moves the cursors on.
private func place(
  _ part: KeyPart, withLength: Bool, to target: UnsafeMutablePointer<UInt8>,
  cursors: UnsafeMutablePointer<Int32>, rows: Int
) {
  let raw = UnsafeMutableRawPointer(target)
  guard let offsets = unsafe part.offsets else {
    for row in 0..<rows {
      let at = unsafe Int(cursors[row])
      unsafe (raw + at).copyMemory(from: part.base + row &* part.width, byteCount: part.width)
      unsafe cursors[row] = Int32(truncatingIfNeeded: at &+ part.width)
    }
    return
  }
  for row in 0..<rows {
    var at = unsafe Int(cursors[row])
    let start = unsafe Int(offsets[row])
    let length = unsafe Int(offsets[row + 1]) &- start
    if withLength {
      unsafe raw.storeBytes(
        of: UInt32(truncatingIfNeeded: length).littleEndian, toByteOffset: at, as: UInt32.self)
      at &+= 4
    }
    unsafe (raw + at).copyMemory(from: part.base + start, byteCount: length)
    unsafe cursors[row] = Int32(truncatingIfNeeded: at &+ length)
  }
}
