import CLarder
import LarderColumns

/// The nodes and buffers of one array of the C data interface and of those below it, cut to the
/// rows that are meant: what is left has no offsets, as in a file.
struct ArrowArrayBody: ArrowBody {
  private(set) var variadicCounts: [Int64] = []
  private var nodes: [(length: Int, nulls: Int)] = []
  private var buffers: [Buffer] = []
  /// The values of the dictionaries met, by identifier.
  private(set) var dictionaries: [Int64: Column] = [:]
  private let owner: ForeignArray

  /// Makes an empty body.
  ///
  /// - Parameter owner: what the buffers belong to.
  init(owner: ForeignArray) { self.owner = owner }

  func node(_ index: Int) throws(LarderError) -> (length: Int, nulls: Int) {
    guard nodes.indices.contains(index) else { throw .malformed("An array has too few children.") }
    return nodes[index]
  }

  func buffer(
    _ index: Int, atLeast bytes: Int, _ what: String
  ) throws(LarderError) -> Buffer {
    guard buffers.indices.contains(index) else {
      throw .malformed("An array has too few buffers: its \(what) are missing.")
    }
    guard buffers[index].count >= bytes else {
      throw .malformed(
        "A buffer of \(buffers[index].count) bytes holds \(what) that take \(bytes) bytes.")
    }
    return buffers[index]
  }

  func isEmpty(_ index: Int) -> Bool {
    !buffers.indices.contains(index) || buffers[index].count == 0
  }
}

extension ArrowArrayBody {
  /// Adds rows of an array.
  ///
  /// - Parameters:
  ///   - first: the first row wanted, counted behind the array's own offset.
  ///   - count: how many rows; nil for all.
  /// - Throws: `invalidInput` for what the specification does not allow.
  mutating func append(
    _ array: ArrowArray, as field: ArrowField, from first: Int = 0, count wanted: Int? = nil
  ) throws(LarderError) {
    guard let length = unsafe Int(exactly: array.length), length >= 0,
      let offset = unsafe Int(exactly: array.offset), offset >= 0,
      length <= Limits.batchRows, offset <= Int.max / 64
    else {
      throw LarderError(
        .limitExceeded, "An array has more than \(Limits.batchRows) rows, or an impossible offset.")
    }
    let count = wanted ?? length
    guard first <= length, count <= length - first else {
      throw .malformed("An array of \(length) rows where \(first + count) are expected.")
    }
    let start = offset + first
    let source = try unsafe BufferSource(array, least: field.dictionary == nil ? field : nil)
    if field.kind == .null, field.dictionary == nil {
      nodes.append((count, count))
      return
    }
    let said = unsafe array.null_count
    let hasBitmap = unsafe source[0] != nil
    let hasNulls = hasBitmap && said != 0
    guard hasNulls || said <= 0 else {
      throw .malformed("An array with \(said) nulls has no validity bitmap.")
    }
    // How many there are is counted from the bits, which decide.
    nodes.append((count, hasNulls ? min(count, 1) : 0))
    buffers.append(
      hasNulls
        ? try unsafe owner.bits(source[0], from: start, count: count)
        : Buffer(uninitializedBytes: 0))
    if let encoding = field.dictionary {
      try unsafe appendWords(source[1], start, count, width: encoding.bits / 8)
      try unsafe takeDictionary(array, field, encoding.identifier)
    } else {
      try unsafe appendValues(array, source, field, start, count)
    }
  }

  private mutating func appendWords(
    _ source: UnsafeRawPointer?, _ start: Int, _ count: Int, width: Int
  ) throws(LarderError) {
    let alignment: UInt = [2, 4, 8].contains(width) ? UInt(width) : 1
    buffers.append(
      try unsafe owner.buffer(
        source.map { unsafe $0 + start * width }, count: count * width, alignment: alignment))
  }

  private mutating func appendValues(
    _ array: ArrowArray, _ source: BufferSource, _ field: ArrowField, _ start: Int, _ count: Int
  ) throws(LarderError) {
    switch field.kind {
    case .bool:
      buffers.append(try unsafe owner.bits(source[1], from: start, count: count))
    case .integer(let bits, _), .float(let bits):
      try unsafe appendWords(source[1], start, count, width: bits / 8)
    case .words(let width), .decimal(let width, _), .fixedBytes(let width):
      try unsafe appendWords(source[1], start, count, width: width)
    case .variable(let large):
      let end = try unsafe appendOffsets(source[1], start, count, large)
      buffers.append(try unsafe owner.buffer(source[2], count: end, alignment: 1))
    case .view: try unsafe appendViews(array, source, start, count)
    case .list(let large):
      _ = try unsafe appendOffsets(source[1], start, count, large)
      try unsafe append(child(of: array), as: element(of: field))
    case .fixedList(let size):
      let (first, overflow) = start.multipliedReportingOverflow(by: size)
      guard !overflow, size == 0 || count <= Limits.batchRows / size else {
        throw LarderError(.limitExceeded, "\(count) lists of \(size) elements are too many.")
      }
      try unsafe append(
        child(of: array), as: element(of: field), from: first, count: count * size)
    case .null, .group, .refused: break
    }
  }

  /// Adds offsets.
  ///
  /// - Returns: where the last one points.
  private mutating func appendOffsets(
    _ source: UnsafeRawPointer?, _ start: Int, _ count: Int, _ large: Bool
  ) throws(LarderError) -> Int {
    // An array without rows may have no offsets at all.
    guard count > 0 else {
      buffers.append(Buffer(uninitializedBytes: 0))
      return 0
    }
    let width = large ? 8 : 4
    try unsafe appendWords(source, start, count + 1, width: width)
    guard let last = unsafe buffers.last?.base else { return 0 }
    let end =
      large
      ? unsafe last.loadUnaligned(fromByteOffset: count * 8, as: Int64.self)
      : unsafe Int64(last.loadUnaligned(fromByteOffset: count * 4, as: Int32.self))
    guard end >= 0 else { throw .malformed("An offset of \(end).") }
    // Of large arrays only as much is taken as a column holds: an offset beyond is refused.
    return Int(min(end, Int64(Limits.columnBytes)))
  }

  private mutating func appendViews(
    _ array: ArrowArray, _ source: BufferSource, _ start: Int, _ count: Int
  ) throws(LarderError) {
    try unsafe appendWords(source[1], start, count, width: 16)
    // The last buffer holds the length of each data buffer before it.
    let dataCount = max(0, source.count - 3)
    variadicCounts.append(Int64(dataCount))
    for index in 0..<dataCount {
      guard let lengths = unsafe source[source.count - 1] else {
        throw .malformed("An array of views does not say how long its buffers are.")
      }
      let length = unsafe lengths.loadUnaligned(fromByteOffset: index * 8, as: Int64.self)
      guard let bytes = Int(exactly: length), bytes >= 0 else {
        throw .malformed("A view's buffer of \(length) bytes.")
      }
      buffers.append(try unsafe owner.buffer(source[2 + index], count: bytes, alignment: 1))
    }
  }

  private func element(of field: ArrowField) throws(LarderError) -> ArrowField {
    guard let child = field.children.first else { throw .malformed("A list without a child.") }
    return child
  }

  private func child(of array: ArrowArray) throws(LarderError) -> ArrowArray {
    guard unsafe array.n_children == 1, let child = unsafe array.children?[0] else {
      throw .malformed("A list without a child.")
    }
    return unsafe child.pointee
  }

  private mutating func takeDictionary(
    _ array: ArrowArray, _ field: ArrowField, _ identifier: Int64
  ) throws(LarderError) {
    guard let values = unsafe array.dictionary else {
      throw .malformed("A dictionary-encoded array without a dictionary.")
    }
    var plain = field
    plain.dictionary = nil
    guard plain.dataType.layout != .list else {
      throw LarderError(.unsupported, "Dictionaries of lists are not read.")
    }
    var body = ArrowArrayBody(owner: owner)
    try unsafe body.append(values.pointee, as: plain)
    dictionaries[identifier] = try ArrowArrayDecoder(
      body: body, keepsDictionaries: false, dictionaries: [:]
    ).column(plain, ArrowPlace())
  }
}

/// The pointers of an array's buffers.
@safe private struct BufferSource {
  let count: Int
  private let pointers: UnsafeMutablePointer<UnsafeRawPointer?>?

  /// - Parameter field: says how many there must be; nil for dictionary indexes.
  init(_ array: ArrowArray, least field: ArrowField?) throws(LarderError) {
    let needed =
      switch field?.kind {
      case .none: 2
      case .view: 3
      default: field?.bufferCount ?? 2
      }
    guard let count = unsafe Int(exactly: array.n_buffers), count >= needed,
      unsafe count == 0 || array.buffers != nil
    else {
      throw unsafe .malformed(
        "An array of \(array.n_buffers) buffers where \(needed) are expected.")
    }
    self.count = count
    unsafe pointers = array.buffers
  }

  subscript(index: Int) -> UnsafeRawPointer? {
    guard index < count, let pointers = unsafe pointers else { return nil }
    return unsafe pointers[index]
  }
}
