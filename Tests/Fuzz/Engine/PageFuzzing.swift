import LarderEncodings

/// Pages packed by entropy, sections of symbols and tables of strings: bytes from anywhere.
enum PageFuzzing {
  static func survive(_ input: inout FuzzInput) {
    let count = 1 + input.number(2) % 4_096
    let width = Int(input.byte()) % 65
    let header = VectorHeader(
      base: width > 57 ? 0 : Int64(bitPattern: input.edge()), offset: 0,
      width: UInt8(width > 57 ? 64 : width), kind: VectorKind(rawValue: input.byte() & 192))
    var bytes: [UInt8] = []
    while !input.isAtEnd { bytes.append(input.byte()) }
    var headers: [VectorHeader] = []
    var place = 0
    for start in stride(from: 0, to: count, by: 1_024) {
      var own = header
      own.offset = UInt32(place / 8)
      headers.append(own)
      place += Packing.bytes(min(1_024, count - start), Int(own.width))
    }
    var image = [UInt8](repeating: 0, count: place + 8)
    // 8 bytes past the page may be read, and not one more: the array has no others.
    let padded = bytes + [UInt8](repeating: 0, count: 8)
    padded.withUnsafeBytes { source in
      let page = UnsafeRawBufferPointer(rebasing: source[..<bytes.count])
      image.withUnsafeMutableBytes { image in
        headers.withUnsafeBufferPointer { headers in
          guard let first = headers.baseAddress, let start = image.baseAddress else { return }
          _ = EntropyPage.decode(page, count, headers: first, into: start)
        }
      }
      var symbols = [UInt8](repeating: 0, count: count)
      _ = CodedSection.decode(page, count, into: &symbols)
      if let table = SymbolTable(page) {
        let codes = UnsafeRawBufferPointer(rebasing: page[SymbolTable.byteCount...])
        let length = table.length(of: codes)
        var text = [UInt8](repeating: 0, count: length + 8)
        text.withUnsafeMutableBytes {
          if let start = $0.baseAddress { table.decode(codes, into: start, count: length) }
        }
      }
    }
  }
}
