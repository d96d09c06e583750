/// Sections of cold columns beside the pages, by the frequencies of their bytes.
package enum CodedSection {
  /// Codes bytes.
  @unsafe package static func encode(_ bytes: UnsafeRawBufferPointer) -> ByteSink {
    let sink = ByteSink()
    guard let start = bytes.baseAddress, bytes.count > 0 else { return sink }
    unsafe SymbolCoding.encode(start.assumingMemoryBound(to: UInt8.self), bytes.count, into: sink)
    return sink
  }

  /// Decodes bytes; false if they were not coded so.
  @unsafe package static func decode(
    _ bytes: UnsafeRawBufferPointer, _ count: Int, into target: UnsafeMutablePointer<UInt8>
  ) -> Bool {
    if count == 0 { return true }
    return unsafe withUnsafeTemporaryAllocation(
      of: UInt32.self, capacity: SymbolDecoder.tableEntries
    ) { table in
      guard let table = table.baseAddress, var decoder = unsafe SymbolDecoder(bytes, table: table)
      else { return false }
      unsafe decoder.read(count, into: target)
      return unsafe decoder.isAtEnd
    }
  }

  /// Codes headers, of which those of a page differ in next to nothing.
  ///
  /// Of each the bits that differ from the one before, offsets by their difference; byte 0 of all,
  /// byte 1 of all and so on.
  package static func encodeHeaders(_ headers: [VectorHeader]) -> ByteSink {
    var planes = [UInt8](repeating: 0, count: headers.count * 16)
    var before: [UInt8] = [UInt8](repeating: 0, count: 16)
    var offset: UInt32 = 0
    for (index, header) in headers.enumerated() {
      var relative = header
      relative.offset = header.offset &- offset
      offset = header.offset
      let bytes = unsafe withUnsafeBytes(of: &relative) { unsafe Array($0) }
      for place in 0..<16 { planes[place * headers.count + index] = bytes[place] ^ before[place] }
      before = bytes
    }
    return unsafe planes.withUnsafeBytes { unsafe encode($0) }
  }

  /// Decodes headers, and does not look at what they say; false if they were not coded so.
  @unsafe package static func decodeHeaders(
    _ bytes: UnsafeRawBufferPointer, _ count: Int, into headers: UnsafeMutablePointer<VectorHeader>
  ) -> Bool {
    var planes = [UInt8](repeating: 0, count: count * 16)
    let isDecoded = unsafe planes.withUnsafeMutableBufferPointer { planes in
      guard let start = planes.baseAddress else { return count == 0 }
      return unsafe decode(bytes, count * 16, into: start)
    }
    guard isDecoded else { return false }
    let target = unsafe UnsafeMutableRawPointer(headers).assumingMemoryBound(to: UInt8.self)
    for place in 0..<16 {
      var before: UInt8 = 0
      for index in 0..<count {
        before ^= planes[place * count + index]
        unsafe target[index * 16 + place] = before
      }
    }
    var offset: UInt32 = 0
    for index in 0..<count {
      offset &+= unsafe headers[index].offset
      unsafe headers[index].offset = offset
    }
    return true
  }
}
