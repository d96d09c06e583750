import Glibc
import InterchangeFuzzing
import LarderColumns
import Testing

@testable import LarderInterchange

/// Every number that a file says of itself is set to what it should never be.
///
/// Lengths, offsets, counts, kinds. Such a file is read or refused; nothing traps, and memory stays
/// in proportion to the file.
@Suite(.serialized) struct HostileNumberTests {
  private static let extremes: [Int] = [
    0, 1, -1, 0x7F, Int(Int32.max) - 1, Int(Int32.max), Int(Int32.min), Int(UInt32.max), 1 << 40,
    .max, .min,
  ]

  /// Some of the extremes for each place in turn: all of them would take too long without optimizer.
  private func extremes(_ place: Int, most: Int) -> [Int] {
    #if DEBUG
      let count = min(2, most)
    #else
      let count = most
    #endif
    return (0..<count).map { Self.extremes[(place + $0) % Self.extremes.count] }
  }

  /// Columns of every layout, with nulls, a dictionary and lists.
  private func batch(rows: Int) throws -> RecordBatch {
    var lists = ColumnBuilder(.list(.int64))
    for row in 0..<rows {
      if row % 5 == 0 {
        lists.appendNull()
      } else {
        try lists.append(.list((0..<row % 4).map { .int64(Int64($0 * row)) }))
      }
    }
    return try RecordBatch([
      "i": .int64((0..<rows).map { $0 % 7 == 0 ? nil : Int64($0) }),
      "f": .float64((0..<rows).map { Double($0) * 1.37 }),
      "b": .bool((0..<rows).map { $0 % 3 == 0 }),
      "s": .string((0..<rows).map { "text \($0 % 9)" }),
      "l": lists.finish(),
    ])
  }

  /// The most memory that the process has had, in MiB.
  private func peak() -> Int {
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    return usage.ru_maxrss >> 10
  }

  // MARK: Parquet

  private func parquet() throws -> [UInt8] {
    let batch = try batch(rows: 60)
    var writer = try ParquetWriter(
      schema: batch.schema, options: ParquetWriteOptions(rowGroupRows: 40))
    var bytes: [UInt8] = []
    try writer.append(batch, to: &bytes)
    try writer.finish(to: &bytes)
    return bytes
  }

  @Test func parquetFooter() throws {
    let bytes = try parquet()
    let length = bytes[(bytes.count - 8)..<(bytes.count - 4)].reversed().reduce(0) {
      $0 << 8 | Int($1)
    }
    let start = bytes.count - 8 - length
    let numbers = ThriftNumbers.find(bytes, from: start)
    try #require(numbers.count > 150, "\(numbers.count) numbers were found")
    let before = peak()
    for (place, number) in numbers.enumerated() {
      for extreme in extremes(place, most: 11) {
        var footer = Array(bytes[start..<(start + length)])
        footer.replaceSubrange(
          (number.range.lowerBound - start)..<(number.range.upperBound - start),
          with: number.encoded(extreme))
        let tail = (0..<4).map { UInt8(truncatingIfNeeded: footer.count >> ($0 * 8)) }
        InterchangeFuzzing.surviveParquet(
          Array(bytes[..<start]) + footer + tail + Array("PAR1".utf8))
      }
    }
    #expect(peak() - before < 1_024)
  }

  @Test func parquetPageHeaders() throws {
    let bytes = try parquet()
    let (metadata, _) = try ParquetReader.footer(RandomAccessBytes(bytes, name: "f"))
    var tried = 0
    let before = peak()
    for chunk in metadata.rowGroups[0].chunks {
      for place in [chunk.dictionaryPageOffset, chunk.dataPageOffset] {
        guard let place else { continue }
        for (ordinal, number) in ThriftNumbers.find(bytes, from: place).enumerated() {
          for extreme in extremes(ordinal, most: 11) {
            // In as many bytes as there were where that is possible, so that the rest stays in place.
            let encoded = number.encoded(extreme)
            var changed = bytes
            if encoded.count <= number.range.count {
              changed.replaceSubrange(number.range, with: number.padded(extreme))
            } else {
              // Else over what follows: a page whose header is as hostile, and its body too.
              let end = min(bytes.count, number.range.lowerBound + encoded.count)
              changed.replaceSubrange(number.range.lowerBound..<end, with: encoded)
            }
            InterchangeFuzzing.surviveParquet(changed)
            tried += 1
          }
        }
      }
    }
    #expect(tried > 80)
    #expect(peak() - before < 1_024)
  }

  // MARK: Arrow

  @Test(arguments: [false, true])
  func arrowMetadata(compressed: Bool) throws {
    let batch = try batch(rows: 60)
    for isStream in [false, true] {
      var bytes: [UInt8] = []
      var writer = try ArrowWriter(
        schema: batch.schema,
        options: ArrowWriteOptions(isFile: !isStream, compressionLevel: compressed ? 1 : nil))
      try writer.append(batch, to: &bytes)
      try writer.finish(to: &bytes)
      let before = peak()
      // FlatBuffers' numbers are aligned, and so are those before compressed buffers.
      for at in stride(from: 0, to: bytes.count - 3, by: 4) {
        for extreme in extremes(at / 4, most: 4) {
          var changed = bytes
          for byte in 0..<4 {
            changed[at + byte] = UInt8(truncatingIfNeeded: extreme >> (byte * 8))
          }
          InterchangeFuzzing.surviveArrow(changed)
          guard at % 8 == 0, at + 8 <= bytes.count else { continue }
          for byte in 4..<8 {
            changed[at + byte] = UInt8(truncatingIfNeeded: extreme >> (byte * 8))
          }
          InterchangeFuzzing.surviveArrow(changed)
        }
      }
      #expect(peak() - before < 1_024)
    }
  }
}

/// The numbers in a struct of Thrift's compact protocol: integers, and the lengths of texts and
/// lists that are long enough to have one of their own.
private struct ThriftNumbers {
  struct Number {
    var range: Range<Int>
    var isSigned: Bool

    /// A value in the variable-length form.
    func encoded(_ value: Int) -> [UInt8] {
      let raw = Int64(value)
      var rest = isSigned ? UInt64(bitPattern: raw << 1 ^ raw >> 63) : UInt64(bitPattern: raw)
      var bytes: [UInt8] = []
      while rest >= 0x80 {
        bytes.append(UInt8(rest & 0x7F) | 0x80)
        rest >>= 7
      }
      return bytes + [UInt8(rest)]
    }

    /// The same in as many bytes as the number has.
    func padded(_ value: Int) -> [UInt8] {
      var bytes = encoded(value)
      while bytes.count < range.count {
        bytes[bytes.count - 1] |= 0x80
        bytes.append(0)
      }
      return bytes
    }
  }

  private let bytes: [UInt8]
  private var at: Int
  private var numbers: [Number] = []

  static func find(_ bytes: [UInt8], from start: Int) -> [Number] {
    var walk = ThriftNumbers(bytes: bytes, at: start)
    walk.structure()
    return walk.numbers
  }

  private init(bytes: [UInt8], at: Int) {
    self.bytes = bytes
    self.at = at
  }

  private mutating func number(signed: Bool) -> Int {
    let start = at
    var value = 0
    var shift = 0
    while bytes[at] & 0x80 != 0 {
      value |= Int(bytes[at] & 0x7F) << shift
      shift += 7
      at += 1
    }
    value |= Int(bytes[at]) << shift
    at += 1
    numbers.append(Number(range: start..<at, isSigned: signed))
    return value
  }

  private mutating func structure() {
    while bytes[at] != 0 {
      let head = bytes[at]
      at += 1
      if head >> 4 == 0 { _ = number(signed: true) }
      value(head & 15, inList: false)
    }
    at += 1
  }

  private mutating func value(_ type: UInt8, inList: Bool) {
    switch type {
    case 1, 2: if inList { at += 1 }
    case 3: at += 1
    case 4, 5, 6: _ = number(signed: true)
    case 7: at += 8
    case 8: at += number(signed: false)
    case 9, 10:
      let head = bytes[at]
      at += 1
      let count = head >> 4 == 15 ? number(signed: false) : Int(head >> 4)
      for _ in 0..<count { value(head & 15, inList: true) }
    case 12: structure()
    default: Issue.record("type \(type) in Thrift at \(at)")
    }
  }
}
