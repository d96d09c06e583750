import CLarder
import Glibc

/// An array as another library would lay it out, byte by byte.
struct Foreign {
  var name = ""
  var format: String
  var length: Int
  var offset = 0
  var nulls = 0
  var metadata: [UInt8]?
  /// The buffers' bytes; nil for a null pointer.
  var buffers: [[UInt8]?]
  var children: [Foreign] = []
  var dictionary: [Foreign] = []

  init(
    _ format: String, length: Int, offset: Int = 0, nulls: Int = 0, name: String = "",
    _ buffers: [[UInt8]?], children: [Foreign] = [], dictionary: [Foreign] = []
  ) {
    self.format = format
    self.length = length
    self.offset = offset
    self.nulls = nulls
    self.name = name
    self.buffers = buffers
    self.children = children
    self.dictionary = dictionary
  }

  /// A batch of columns.
  static func batch(_ columns: [Foreign], length: Int? = nil, offset: Int = 0) -> Foreign {
    Foreign(
      "+s", length: length ?? columns.first?.length ?? 0, offset: offset, [nil], children: columns)
  }

  /// The bytes of values.
  static func bytes<T>(_ values: [T]) -> [UInt8] {
    values.withUnsafeBytes { Array($0) }
  }
}

/// Counts how often release callbacks ran.
final class ReleaseLog {
  var arrays = 0
  var schemas = 0
  var streams = 0
}

/// What an array hands to its release callback.
private final class Owned {
  let log: ReleaseLog
  let memory: [UnsafeMutableRawPointer]
  init(_ log: ReleaseLog, _ memory: [UnsafeMutableRawPointer]) {
    self.log = log
    self.memory = memory
  }
}

extension Foreign {
  /// Makes the array's struct; only the root counts in the log.
  func makeArray(_ log: ReleaseLog, isRoot: Bool = true) -> ArrowArray {
    var memory: [UnsafeMutableRawPointer] = []
    func keep(_ count: Int) -> UnsafeMutableRawPointer {
      let place = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1), alignment: 64)
      memory.append(place)
      return place
    }
    let list = keep(buffers.count * 8).assumingMemoryBound(to: UnsafeRawPointer?.self)
    for (index, bytes) in buffers.enumerated() {
      list[index] = bytes.map { bytes in
        let place = keep(bytes.count)
        place.copyMemory(from: bytes, byteCount: bytes.count)
        return UnsafeRawPointer(place)
      }
    }
    var array = ArrowArray()
    array.length = Int64(length)
    array.offset = Int64(offset)
    array.null_count = Int64(nulls)
    array.n_buffers = Int64(buffers.count)
    array.buffers = list
    array.n_children = Int64(children.count)
    let below = keep(children.count * 8)
      .assumingMemoryBound(to: UnsafeMutablePointer<ArrowArray>?.self)
    for (index, child) in children.enumerated() {
      let place = keep(MemoryLayout<ArrowArray>.size).assumingMemoryBound(to: ArrowArray.self)
      place.initialize(to: child.makeArray(log, isRoot: false))
      below[index] = place
    }
    array.children = below
    if let values = dictionary.first {
      let place = keep(MemoryLayout<ArrowArray>.size).assumingMemoryBound(to: ArrowArray.self)
      place.initialize(to: values.makeArray(log, isRoot: false))
      array.dictionary = place
    }
    let owned = Owned(log, memory)
    array.private_data = Unmanaged.passRetained(owned).toOpaque()
    if isRoot { array.release = releaseRoot } else { array.release = releaseChild }
    return array
  }

  func makeSchema(_ log: ReleaseLog, isRoot: Bool = true) -> ArrowSchema {
    var memory: [UnsafeMutableRawPointer] = []
    func keep(_ count: Int) -> UnsafeMutableRawPointer {
      let place = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1), alignment: 64)
      memory.append(place)
      return place
    }
    func keep(_ text: String) -> UnsafePointer<CChar> {
      let bytes = Array(text.utf8) + [0]
      let place = keep(bytes.count)
      place.copyMemory(from: bytes, byteCount: bytes.count)
      return UnsafePointer(place.assumingMemoryBound(to: CChar.self))
    }
    var schema = ArrowSchema()
    schema.format = keep(format)
    schema.name = keep(name)
    if let metadata {
      let place = keep(metadata.count)
      place.copyMemory(from: metadata, byteCount: metadata.count)
      schema.metadata = UnsafePointer(place.assumingMemoryBound(to: CChar.self))
    }
    schema.flags = Int64(ARROW_FLAG_NULLABLE)
    schema.n_children = Int64(children.count)
    let below = keep(children.count * 8)
      .assumingMemoryBound(to: UnsafeMutablePointer<ArrowSchema>?.self)
    for (index, child) in children.enumerated() {
      let place = keep(MemoryLayout<ArrowSchema>.size).assumingMemoryBound(to: ArrowSchema.self)
      place.initialize(to: child.makeSchema(log, isRoot: false))
      below[index] = place
    }
    schema.children = below
    if let values = dictionary.first {
      let place = keep(MemoryLayout<ArrowSchema>.size).assumingMemoryBound(to: ArrowSchema.self)
      place.initialize(to: values.makeSchema(log, isRoot: false))
      schema.dictionary = place
    }
    schema.private_data = Unmanaged.passRetained(Owned(log, memory)).toOpaque()
    if isRoot { schema.release = releaseSchemaRoot } else { schema.release = releaseSchemaChild }
    return schema
  }
}

private func drop(_ array: UnsafeMutablePointer<ArrowArray>) -> ReleaseLog? {
  for index in 0..<Int(array.pointee.n_children) {
    if let child = array.pointee.children[index], let release = child.pointee.release {
      release(child)
    }
  }
  if let values = array.pointee.dictionary, let release = values.pointee.release {
    release(values)
  }
  array.pointee.release = nil
  let owned = Unmanaged<Owned>.fromOpaque(array.pointee.private_data).takeRetainedValue()
  let log = owned.log
  for place in owned.memory { free(place) }
  return log
}

private func drop(_ schema: UnsafeMutablePointer<ArrowSchema>) -> ReleaseLog? {
  for index in 0..<Int(schema.pointee.n_children) {
    if let child = schema.pointee.children[index], let release = child.pointee.release {
      release(child)
    }
  }
  if let values = schema.pointee.dictionary, let release = values.pointee.release {
    release(values)
  }
  schema.pointee.release = nil
  let owned = Unmanaged<Owned>.fromOpaque(schema.pointee.private_data).takeRetainedValue()
  for place in owned.memory { free(place) }
  return owned.log
}

private func releaseRoot(_ array: UnsafeMutablePointer<ArrowArray>?) {
  if let array { drop(array)?.arrays += 1 }
}
private func releaseChild(_ array: UnsafeMutablePointer<ArrowArray>?) {
  if let array { _ = drop(array) }
}
private func releaseSchemaRoot(_ schema: UnsafeMutablePointer<ArrowSchema>?) {
  if let schema { drop(schema)?.schemas += 1 }
}
private func releaseSchemaChild(_ schema: UnsafeMutablePointer<ArrowSchema>?) {
  if let schema { _ = drop(schema) }
}

/// A stream of foreign batches.
final class ForeignStream {
  private let batches: [Foreign]
  private let type: Foreign
  private let log: ReleaseLog
  private var next = 0
  /// Fails instead of handing out a batch of this number.
  var failsAt: Int?

  init(_ batches: [Foreign], type: Foreign? = nil, log: ReleaseLog) {
    self.batches = batches
    self.type = type ?? batches[0]
    self.log = log
  }

  func make() -> ArrowArrayStream {
    var stream = ArrowArrayStream()
    stream.private_data = Unmanaged.passRetained(self).toOpaque()
    stream.get_schema = { stream, target in
      guard let owner = ForeignStream.owner(stream), let target else { return EINVAL }
      target.initialize(to: owner.type.makeSchema(owner.log))
      return 0
    }
    stream.get_next = { stream, target in
      guard let owner = ForeignStream.owner(stream), let target else { return EINVAL }
      if owner.failsAt == owner.next { return EIO }
      guard owner.next < owner.batches.count else {
        target.initialize(to: ArrowArray())
        return 0
      }
      target.initialize(to: owner.batches[owner.next].makeArray(owner.log))
      owner.next += 1
      return 0
    }
    stream.get_last_error = { _ in ForeignStream.words }
    stream.release = { stream in
      guard let stream, let data = stream.pointee.private_data else { return }
      Unmanaged<ForeignStream>.fromOpaque(data).takeRetainedValue().log.streams += 1
      stream.pointee.release = nil
    }
    return stream
  }

  nonisolated(unsafe) private static let words = UnsafePointer<CChar>(strdup("the tap ran dry"))

  private static func owner(_ stream: UnsafeMutablePointer<ArrowArrayStream>?) -> ForeignStream? {
    guard let data = stream?.pointee.private_data else { return nil }
    return Unmanaged<ForeignStream>.fromOpaque(data).takeUnretainedValue()
  }
}
