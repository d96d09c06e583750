import CLarder
import LarderColumns

/// A dictionary's identifier for each field that has one, in the order in which they are met.
struct DictionaryNumbers {
  private(set) var count: Int64 = 0

  mutating func next() -> Int64 {
    defer { count += 1 }
    return count
  }
}

extension ArrowField {
  /// Reads a schema of the C data interface and those below it.
  ///
  /// - Parameter budget: how many fields may still be read.
  /// - Throws: `invalidInput` for what the specification does not allow; `limitExceeded`.
  init(
    _ schema: ArrowSchema, dictionaries: inout DictionaryNumbers, budget: inout Int,
    depth: Int = 0
  ) throws(LarderError) {
    budget -= 1
    guard depth < ArrowField.depthLimit, budget >= 0 else {
      throw LarderError(
        .limitExceeded,
        "The schema nests deeper than \(ArrowField.depthLimit) or has too many fields.")
    }
    if let name = unsafe schema.name { self.name = unsafe String(cString: name) }
    guard let format = unsafe schema.format else {
      throw .malformed("An Arrow schema has no format.")
    }
    let text = unsafe String(cString: format)
    for index in 0..<(try unsafe childCount(schema)) {
      guard let child = unsafe schema.children?[index] else {
        throw .malformed("An Arrow schema lacks one of its children.")
      }
      children.append(
        try unsafe ArrowField(
          child.pointee, dictionaries: &dictionaries, budget: &budget, depth: depth + 1))
    }
    if let values = unsafe schema.dictionary {
      let own = name
      try readFormat(text, extensionName: nil)
      guard case .integer(let bits, let signed) = kind else {
        throw .malformed("Dictionary indexes of format \"\(text)\".")
      }
      let identifier = dictionaries.next()
      self = try unsafe ArrowField(
        values.pointee, dictionaries: &dictionaries, budget: &budget, depth: depth + 1)
      if dictionary != nil {
        kind = .refused(buffers: 2, name: "Dictionaries of dictionaries")
      }
      name = own
      dictionary = ArrowDictionaryEncoding(identifier: identifier, bits: bits, signed: signed)
      return
    }
    try readFormat(text, extensionName: unsafe extensionName(schema.metadata))
  }

  private mutating func readFormat(
    _ format: String, extensionName: String?
  ) throws(LarderError) {
    let letters = Array(format.utf8)
    guard let first = letters.first else { throw .malformed("An empty Arrow format.") }
    switch (Unicode.Scalar(first), letters.count) {
    case ("n", 1): (kind, dataType) = (.null, .string)
    case ("b", 1): (kind, dataType) = (.bool, .bool)
    case ("c", 1): (kind, dataType) = (.integer(bits: 8, signed: true), .int32)
    case ("C", 1): (kind, dataType) = (.integer(bits: 8, signed: false), .int32)
    case ("s", 1): (kind, dataType) = (.integer(bits: 16, signed: true), .int32)
    case ("S", 1): (kind, dataType) = (.integer(bits: 16, signed: false), .int32)
    case ("i", 1): (kind, dataType) = (.integer(bits: 32, signed: true), .int32)
    case ("I", 1): (kind, dataType) = (.integer(bits: 32, signed: false), .int64)
    case ("l", 1): (kind, dataType) = (.integer(bits: 64, signed: true), .int64)
    case ("L", 1): (kind, dataType) = (.integer(bits: 64, signed: false), .int64)
    case ("e", 1): (kind, dataType) = (.float(bits: 16), .float32)
    case ("f", 1): (kind, dataType) = (.float(bits: 32), .float32)
    case ("g", 1): (kind, dataType) = (.float(bits: 64), .float64)
    case ("z", 1), ("Z", 1): (kind, dataType) = (.variable(large: first == 0x5A), .bytes)
    case ("u", 1), ("U", 1): (kind, dataType) = (.variable(large: first == 0x55), .string)
    case ("v", 2) where format == "vz": (kind, dataType) = (.view, .bytes)
    case ("v", 2) where format == "vu": (kind, dataType) = (.view, .string)
    case ("d", _): try readDecimal(format)
    case ("w", _): try readFixedBytes(format)
    case ("t", _): try readTime(format)
    case ("+", _): try readNested(format)
    default: throw unknown(format)
    }
    if dataType == .string, extensionName == "arrow.json" { dataType = .json }
    if case .fixedBytes(16) = kind, extensionName == "arrow.uuid" { dataType = .uuid }
  }

  private func unknown(_ format: String) -> LarderError {
    LarderError(.unsupported, "Arrow's format \"\(format)\" is not known.", column: name)
  }

  /// `d:precision,scale` or `d:precision,scale,bits`.
  private mutating func readDecimal(_ format: String) throws(LarderError) {
    let numbers = format.dropFirst(2).split(separator: ",").map { Int($0) }
    guard format.hasPrefix("d:"), numbers.count == 2 || numbers.count == 3,
      let scale = numbers[1], let bits = numbers.count == 3 ? numbers[2] : 128
    else { throw unknown(format) }
    guard [32, 64, 128, 256].contains(bits), scale >= 0, scale <= LeafType.decimalScaleLimit
    else {
      kind = .refused(buffers: 2, name: "Decimals of \(bits) bits and scale \(scale)")
      return
    }
    (kind, dataType) = (.decimal(bytes: bits / 8, scale: scale), .decimal)
  }

  /// `w:bytes`.
  private mutating func readFixedBytes(_ format: String) throws(LarderError) {
    guard format.hasPrefix("w:"), let width = Int(format.dropFirst(2)), width >= 0,
      width <= Limits.valueBytes
    else { throw unknown(format) }
    (kind, dataType) = (.fixedBytes(width), .bytes)
  }

  /// Dates, times of day, instants, durations and intervals.
  private mutating func readTime(_ format: String) throws(LarderError) {
    switch format {
    case "tdD": (kind, dataType) = (.words(bytes: 4), .date)
    case "tdm": (kind, dataType) = (.words(bytes: 8), .timestamp(.milliseconds))
    case "tts", "ttm": (kind, dataType) = (.integer(bits: 32, signed: true), .int64)
    case "ttu", "ttn", "tDs", "tDm", "tDu", "tDn":
      (kind, dataType) = (.words(bytes: 8), .int64)
    case "tiM": (kind, dataType) = (.fixedBytes(4), .opaque(tag: "interval"))
    case "tiD": (kind, dataType) = (.fixedBytes(8), .opaque(tag: "interval"))
    case "tin": (kind, dataType) = (.fixedBytes(16), .opaque(tag: "interval"))
    default:
      // Behind the colon stands a zone, which says how to show the instant and not which it is.
      let units: [(String, TimeUnit)] = [
        ("tss:", .seconds), ("tsm:", .milliseconds), ("tsu:", .microseconds),
        ("tsn:", .nanoseconds),
      ]
      guard let unit = units.first(where: { format.hasPrefix($0.0) })?.1 else {
        throw unknown(format)
      }
      (kind, dataType) = (.words(bytes: 8), .timestamp(unit))
    }
  }

  private mutating func readNested(_ format: String) throws(LarderError) {
    switch format {
    case "+l", "+L": kind = .list(large: format == "+L")
    case "+s": kind = .refused(buffers: 1, name: "Groups (structs)")
    case "+m": kind = .refused(buffers: 2, name: "Maps")
    case "+r": kind = .refused(buffers: 0, name: "Run-end encoded columns")
    case "+vl", "+vL": kind = .refused(buffers: 3, name: "List views")
    default:
      if format.hasPrefix("+ud:") || format.hasPrefix("+us:") {
        kind = .refused(buffers: 1, name: "Unions")
      } else if format.hasPrefix("+w:"), let size = Int(format.dropFirst(3)), size >= 0,
        size <= Limits.batchRows
      {
        kind = .fixedList(size)
      } else {
        throw unknown(format)
      }
    }
    dataType = .list(children.first?.dataType ?? .bytes)
  }
}

private func childCount(_ schema: ArrowSchema) throws(LarderError) -> Int {
  guard let count = unsafe Int(exactly: schema.n_children), count >= 0,
    count <= ArrowField.countLimit
  else { throw .malformed("An Arrow schema of an impossible number of children.") }
  return count
}

/// The name of the extension type that a schema's metadata names, if it does.
///
/// Metadata is int32 pairs, then for each int32 and bytes of a key, int32 and bytes of a value.
private func extensionName(_ metadata: UnsafePointer<CChar>?) throws(LarderError) -> String? {
  guard let start = unsafe UnsafeRawPointer(metadata) else { return nil }
  var at = 0
  func number() throws(LarderError) -> Int {
    let value = unsafe Int(start.loadUnaligned(fromByteOffset: at, as: Int32.self))
    guard value >= 0, value <= Limits.jsonBytes else {
      throw .malformed("Arrow metadata of \(value) bytes or pairs.")
    }
    at += 4
    return value
  }
  func text() throws(LarderError) -> String {
    let count = try number()
    defer { at += count }
    return unsafe String(
      decoding: UnsafeRawBufferPointer(start: start + at, count: count), as: UTF8.self)
  }
  for _ in 0..<(try number()) {
    let key = try text()
    let value = try text()
    if key == "ARROW:extension:name" { return value }
  }
  return nil
}
