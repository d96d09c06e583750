import Glibc
import LarderColumns
import LarderEncodings
import LarderFiles

/// The encodings by themselves: a header and a body from anywhere, and lanes that come back.
enum LaneFuzzing {
  /// The bytes that lie before a page that cannot be read.
  private final class GuardedBytes {
    private static let page = 4_096
    private let base: UnsafeMutableRawPointer
    private let mapped: Int
    /// Where the bytes begin; they end 8 bytes before the guard, as sections do.
    let start: UnsafeMutableRawPointer

    init(_ bytes: [UInt8]) {
      let room = (bytes.count + 8 + Self.page - 1) / Self.page * Self.page
      mapped = room + Self.page
      guard
        let base = mmap(
          nil, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
        base != MAP_FAILED, mprotect(base + room, Self.page, PROT_NONE) == 0
      else { fatalError("no memory for \(bytes.count) bytes") }
      self.base = base
      start = base + (room - 8 - bytes.count)
      start.copyMemory(from: bytes, byteCount: bytes.count)
    }

    deinit { munmap(base, mapped) }
  }

  static func survive(_ bytes: [UInt8]) {
    var input = FuzzInput(bytes)
    let choice = input.byte()
    if choice == 0xFE {
      PageFuzzing.survive(&input)
    } else if choice & 1 == 0 {
      surviveBody(&input, bytes)
    } else {
      comeBack(&input)
    }
  }

  /// Decodes a body that its header and its checks call sound: no read may leave it, and single reads
  /// find what bulk ones do.
  private static func surviveBody(_ input: inout FuzzInput, _ bytes: [UInt8]) {
    let count = 1 + input.number(2) % 1_024
    let header = VectorHeader(
      base: Int64(bitPattern: input.edge()), offset: 0, width: input.byte(),
      kind: VectorKind(rawValue: input.byte()), aux: UInt16(truncatingIfNeeded: input.number(2)))
    var body: [UInt8] = []
    while !input.isAtEnd { body.append(input.byte()) }
    // What the header asks for, made of the input again and again; else most are cut off.
    guard let least = header.leastBodyBytes(count), least <= 1 << 16 else { return }
    let source = body.isEmpty ? [0] : body
    while body.count < least { body.append(source[body.count % source.count]) }
    let guarded = GuardedBytes(body)
    guard unsafe header.isSound(guarded.start, count, available: body.count) else { return }
    decode(header, guarded.start, count)
  }

  private static func decode(_ header: VectorHeader, _ body: UnsafeRawPointer, _ count: Int) {
    let headers = [header]
    let scale: [Int64] = [1]
    let traits = LaneTraits(header.kind)
    var lanes = [Int64](repeating: 0, count: 1_024)
    var doubles = [Double](repeating: 0, count: 1_024)
    var floats = [UInt32](repeating: 0, count: 1_024)
    var scratch = [Int64](repeating: 0, count: 1_024)
    headers.withUnsafeBufferPointer { headers in
      scale.withUnsafeBufferPointer { scale in
        guard let first = headers.baseAddress, let factor = scale.baseAddress else { return }
        let view = PackedView(
          headers: first, body: body, scales: factor, count: count, traits: traits)
        view.decode(vector: 0, into: &lanes)
        view.decodeDoubles(vector: 0, into: &doubles, scratch: &scratch)
        view.decodeFloats(vector: 0, into: &floats, scratch: &scratch)
        // Values mean nothing here, but codes and offsets are checked in bulk and followed one by one.
        for row in 0..<count {
          precondition(view.lane(at: row) == lanes[row], "row \(row) of \(header)")
          precondition(
            view.double(at: row).bitPattern == doubles[row].bitPattern, "row \(row) of \(header)")
          precondition(
            view.float(at: row).bitPattern == floats[row], "row \(row) of \(header)")
        }
      }
    }
  }

  /// Encodes lanes and reads them again.
  private static func comeBack(_ input: inout FuzzInput) {
    let allowsDelta = input.byte() & 1 == 1
    var lanes: [Int64] = []
    var restarts = [UInt64](repeating: 0, count: 17)
    var value: Int64 = 0
    while !input.isAtEnd, lanes.count < 1_024 {
      let choice = input.byte()
      let times = 1 + Int(choice >> 3) % 32
      let step: Int64 =
        choice & 4 == 0 ? Int64(Int8(bitPattern: input.byte())) : Int64(bitPattern: input.edge())
      if choice & 1 == 1 { value = step }
      for _ in 0..<times where lanes.count < 1_024 {
        if choice & 2 == 2 { restarts[lanes.count / 64] |= 1 << UInt64(lanes.count % 64) }
        lanes.append(value)
        if choice & 1 == 0 { value &+= step }
      }
    }
    guard !lanes.isEmpty else { return }
    var encoder = VectorEncoder(LaneOptions(allowsDelta: allowsDelta))
    lanes.withUnsafeBufferPointer { lanes in
      restarts.withUnsafeBufferPointer { restarts in
        guard let first = lanes.baseAddress, let marks = restarts.baseAddress else { return }
        encoder.append(VectorInput(lanes: first, count: lanes.count, restarts: marks))
      }
    }
    let header = encoder.headers[0]
    var body = [UInt8](repeating: 0, count: encoder.sink.count)
    body.withUnsafeMutableBytes { target in
      if let from = encoder.sink.bytes.baseAddress, let to = target.baseAddress, target.count > 0 {
        to.copyMemory(from: from, byteCount: target.count)
      }
    }
    let guarded = GuardedBytes(body)
    precondition(header.leastBodyBytes(lanes.count) ?? .max <= body.count)
    precondition(header.isSound(guarded.start, lanes.count, available: body.count))
    var bulk = [Int64](repeating: 0, count: 1_024)
    let scale: [Int64] = [1]
    [header].withUnsafeBufferPointer { headers in
      scale.withUnsafeBufferPointer { scale in
        guard let first = headers.baseAddress, let factor = scale.baseAddress else { return }
        let view = PackedView(
          headers: first, body: guarded.start, scales: factor, count: lanes.count,
          traits: encoder.traits)
        view.decode(vector: 0, into: &bulk)
        precondition(Array(bulk[..<lanes.count]) == lanes, "\(header)")
        for row in lanes.indices { precondition(view.lane(at: row) == lanes[row]) }
      }
    }
  }
}
