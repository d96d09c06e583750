/// The bytes a fuzzer gave, read as decisions; what is behind the end reads as zero.
struct FuzzInput {
  private let bytes: [UInt8]
  private var at = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { at >= bytes.count }

  mutating func byte() -> UInt8 {
    guard at < bytes.count else { return 0 }
    defer { at += 1 }
    return bytes[at]
  }

  mutating func number(_ count: Int) -> Int {
    (0..<count).reduce(0) { value, _ in value << 8 | Int(byte()) }
  }

  mutating func word() -> UInt64 {
    (0..<8).reduce(0) { value, _ in value << 8 | UInt64(byte()) }
  }

  /// One of the numbers at which things change, or any.
  mutating func edge() -> UInt64 {
    let edges: [UInt64] = [
      0, 1, 2, 7, 8, 63, 64, 65, 255, 1_023, 1_024, 1_025, 65_535, 65_536, 1 << 22, (1 << 22) + 1,
      1 << 31, (1 << 31) - 1, 1 << 32, (1 << 32) - 1, 1 << 40, 1 << 62, .max >> 1, 1 << 63, .max,
      .max - 7, .max - 63,
    ]
    let choice = Int(byte())
    return choice < edges.count ? edges[choice] : word()
  }
}

extension [UInt8] {
  /// A number in little endian; nil outside.
  func load<T: FixedWidthInteger>(_ at: Int, as type: T.Type = T.self) -> T? {
    let size = MemoryLayout<T>.size
    guard at >= 0, at <= count - size else { return nil }
    var value: T = 0
    for index in (0..<size).reversed() {
      value = value << 8 | T(truncatingIfNeeded: self[at + index])
    }
    return value
  }

  /// Writes a number in little endian, as far as there is room for it.
  mutating func store(_ value: some FixedWidthInteger, at place: Int) {
    let size = value.bitWidth / 8
    for index in 0..<size where place + index >= 0 && place + index < count {
      self[place + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
    }
  }

  /// The bytes of a range; nil unless all are there.
  func slice(_ start: UInt64, _ length: UInt64) -> [UInt8]? {
    let (end, overflow) = start.addingReportingOverflow(length)
    guard !overflow, end <= UInt64(count) else { return nil }
    return Array(self[Int(start)..<Int(end)])
  }
}
