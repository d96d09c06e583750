import LarderColumns

/// Converts a column to a feature's type without loss, or refuses it.
struct FeatureConversion {
  /// The feature's name, for messages.
  let name: String
  /// The feature's type.
  let type: DataType

  /// Converts a column: int32 to int64, float32 to float64, instants of other units where nothing is
  /// lost, text to tagged text, bytes to tagged bytes, and lists of these.
  ///
  /// - Throws: `invalidInput` for other types, for values that would lose something and for text
  ///   that is not UTF-8, with the row; `limitExceeded` for a value above `Limits.valueBytes`.
  func convert(_ column: Column) throws(LarderError) -> Column {
    let plain =
      column.type.layout == .variable ? column : try column.withoutDictionary()
    let result = try matchType(plain)
    if result.type.layout == .variable { try checkVariable(result) }
    if let elements = result.sharedElements, elements.type.layout == .variable {
      try withRows(of: result) { () throws(LarderError) in
        try FeatureConversion(name: name, type: elements.type).checkVariable(elements)
      }
    }
    return result
  }

  /// Does something to the elements of lists; an error about one names the row that it is in.
  private func withRows<T>(
    of lists: Column, _ body: () throws(LarderError) -> T
  ) throws(LarderError) -> T {
    do { return try body() } catch {
      guard let element = error.row else { throw error }
      var error = error
      let offsets = unsafe lists.offsets
      // None has it where the caller's slice begins behind it.
      error.row = (0..<lists.count).first {
        unsafe offsets[$0] <= element && element < offsets[$0 + 1]
      }
      throw error
    }
  }

  private func matchType(_ column: Column) throws(LarderError) -> Column {
    if column.type == type { return column }
    switch (column.type, type) {
    case (.int32, .int64), (.float32, .float64):
      return try column.compacted().widened(to: type)
    case (.timestamp, .timestamp(let unit)):
      return try TimeConversion(name: name, unit: unit).convert(column)
    case (.string, .json), (.string, .uuid), (.string, .decimal), (.bytes, .opaque):
      return column.relabelled(type)
    case (.list(let from), .list(let to)):
      guard let elements = column.sharedElements else { break }
      guard from == elements.type else { break }
      let converted = try withRows(of: column) { () throws(LarderError) in
        try FeatureConversion(name: name, type: to).matchType(elements)
      }
      return Column(
        type: type, count: column.count, nullCount: column.nullCount, validity: column.validity,
        offset: column.offset, values: column.values, child: converted)
    default: break
    }
    throw LarderError(
      .invalidInput, "It holds \(column.type) where the feature is \(type).", column: name)
  }

  /// Checks texts for UTF-8 and all values for their length.
  private func checkVariable(_ column: Column) throws(LarderError) {
    if column.isDictionary {
      if let dictionary = column.dictionary { try checkVariable(dictionary) }
      return
    }
    let offsets = unsafe column.offsets
    var longest: Int32 = 0
    for row in 0..<column.count {
      unsafe longest = max(longest, offsets[row + 1] &- offsets[row])
    }
    if Int(longest) > Limits.valueBytes {
      let row = (0..<column.count).first {
        unsafe column.isValid($0) && Int(offsets[$0 + 1] - offsets[$0]) > Limits.valueBytes
      }
      if let row {
        throw LarderError(
          .limitExceeded, "A value has at most \(Limits.valueBytes) bytes.", column: name, row: row)
      }
    }
    guard column.type.isText, let bytes = column.bytes else { return }
    let used = unsafe UnsafeRawBufferPointer(
      rebasing: bytes.bytes[Int(offsets[0])..<Int(offsets[column.count])])
    if unsafe isASCII(used) { return }
    for row in 0..<column.count where column.isValid(row) {
      let value = unsafe column.variableBytes(row)
      guard unsafe String(validating: value, as: UTF8.self) != nil else {
        throw LarderError(.invalidInput, "The text is not UTF-8.", column: name, row: row)
      }
    }
  }
}

/// Whether all bytes are below 128.
private func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
  var index = 0
  var seen: UInt64 = 0
  while index + 8 <= bytes.count {
    unsafe seen |= bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
    index += 8
  }
  while index < bytes.count {
    unsafe seen |= UInt64(bytes[index])
    index += 1
  }
  return seen & 0x8080_8080_8080_8080 == 0
}
