/// A Parquet file of one column and one page, whose codec, sizes and bytes are a fuzzer's own: so that
/// each decompressor is reached by whatever bytes, past headers that would refuse them.
///
/// The first five bytes choose: codec and kind of page, the page's size in 24 bits, the number of values.
/// The others are the page's.
package enum CodecPages {
  /// How many bytes choose.
  package static let leadBytes = 5

  /// The file; nil for too few bytes.
  package static func file(_ input: [UInt8]) -> [UInt8]? {
    guard input.count >= leadBytes else { return nil }
    let codec = Int(input[0] & 7)
    let isSecondVersion = input[0] & 8 != 0
    let isText = input[0] & 16 != 0
    let size = Int(input[1]) | Int(input[2]) << 8 | Int(input[3]) << 16
    let values = Int(input[4])
    let body = Array(input[leadBytes...])
    var header = Thrift()
    header.int(1, isSecondVersion ? 3 : 0)
    header.int(2, size)
    header.int(3, body.count)
    header.structure(isSecondVersion ? 8 : 5) { page in
      if isSecondVersion {
        page.int(1, values)
        page.int(2, 0)
        page.int(3, values)
        page.int(4, 0)
        page.int(5, 0)
        page.int(6, 0)
      } else {
        page.int(1, values)
        page.int(2, 0)
        page.int(3, 3)
        page.int(4, 3)
      }
    }
    let pages = header.finished + body
    var footer = Thrift()
    footer.int(1, 1)
    footer.list(2, count: 2)
    footer.element { root in
      root.bytes(4, "r")
      root.int(5, 1)
    }
    footer.element { leaf in
      leaf.int(1, isText ? 6 : 2)
      leaf.int(3, 0)
      leaf.bytes(4, "c")
    }
    footer.long(3, values)
    footer.list(4, count: 1)
    footer.element { group in
      group.list(1, count: 1)
      group.element { chunk in
        chunk.long(2, 4)
        chunk.structure(3) { data in
          data.int(1, isText ? 6 : 2)
          data.int(4, codec)
          data.long(5, values)
          data.long(6, size)
          data.long(7, pages.count)
          data.long(9, 4)
        }
      }
      group.long(2, pages.count)
      group.long(3, values)
    }
    let end = footer.finished
    let length = (0..<4).map { UInt8(end.count >> ($0 * 8) & 0xFF) }
    return Array("PAR1".utf8) + pages + end + length + Array("PAR1".utf8)
  }
}

/// As much of Thrift's compact protocol as the file takes: fields in rising order.
private struct Thrift {
  private var bytes: [UInt8] = []
  private var last = 0

  /// The bytes with the mark of the end.
  var finished: [UInt8] { bytes + [0] }

  private mutating func head(_ field: Int, _ type: UInt8) {
    bytes.append(UInt8(field - last) << 4 | type)
    last = field
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  mutating func int(_ field: Int, _ value: Int) {
    head(field, 5)
    varint(UInt64(value) << 1)
  }

  mutating func long(_ field: Int, _ value: Int) {
    head(field, 6)
    varint(UInt64(value) << 1)
  }

  mutating func bytes(_ field: Int, _ text: String) {
    head(field, 8)
    varint(UInt64(text.utf8.count))
    bytes += Array(text.utf8)
  }

  mutating func structure(_ field: Int, _ body: (inout Thrift) -> Void) {
    head(field, 12)
    element(body)
  }

  mutating func list(_ field: Int, count: Int) {
    head(field, 9)
    bytes.append(UInt8(count) << 4 | 12)
  }

  mutating func element(_ body: (inout Thrift) -> Void) {
    var inner = Thrift()
    body(&inner)
    bytes += inner.finished
  }
}
