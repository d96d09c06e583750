#if DEBUG
  import LarderColumns
  import LarderEncodings
  import LarderFiles
  @testable import LarderOffline

  /// Recomputes every checksum of a segment that was tampered with.
  enum SegmentForgery {
    static func seal(_ bytes: inout [UInt8]) {
      let trailer = bytes.count - 64
      let uuid = FileIdentifier(
        high: word(bytes, trailer + 32), low: word(bytes, trailer + 40))
      let seeds = SegmentSeeds(uuid)
      let start = Int(word(bytes, trailer + 8))
      let footerBytes = Array(bytes[start..<trailer])
      if var footer = try? SegmentFooter(footerBytes, file: "", origin: 0) {
        seal(&footer, bytes, seeds, limit: start)
        var encoded = footer.encoded()
        if encoded.count <= footerBytes.count, footerBytes.count - encoded.count < 16 {
          encoded.append(contentsOf: repeatElement(0, count: footerBytes.count - encoded.count))
          bytes.replaceSubrange(start..<trailer, with: encoded)
        }
      }
      let footerHash = XXH3.hash64(Array(bytes[start..<trailer]), seed: seeds.seed(.footer))
      store(footerHash, &bytes, trailer + 48)
      let trailerHash = XXH3.hash64(
        Array(bytes[trailer..<trailer + 56]), seed: seeds.seed(.trailer))
      store(trailerHash, &bytes, trailer + 56)
    }

    private static func seal(
      _ footer: inout SegmentFooter, _ bytes: [UInt8], _ seeds: SegmentSeeds, limit: Int
    ) {
      let all = Content(bytes: bytes, seeds: seeds, limit: limit)
      all.seal(&footer.entityIDs, .entityIDs, 0)
      all.seal(&footer.runStarts, .runStarts, 0)
      all.seal(&footer.fences, .fences, 0)
      for position in footer.columns.indices {
        guard case .known(var column) = footer.columns[position] else { continue }
        all.seal(&column)
        footer.columns[position] = .known(column)
      }
    }

    private struct Content {
      let bytes: [UInt8]
      let seeds: SegmentSeeds
      let limit: Int

      func hash(_ offset: UInt64, _ count: UInt64, _ seed: UInt64) -> UInt64? {
        let (end, overflow) = offset.addingReportingOverflow(count)
        guard !overflow, end <= UInt64(limit) else { return nil }
        return XXH3.hash64(Array(bytes[Int(offset)..<Int(end)]), seed: seed)
      }

      func seal(_ section: inout Section, _ kind: SectionKind, _ key: UInt64) {
        let seed = seeds.seed(kind, column: key)
        if let found = hash(section.offset, section.bytes, seed) { section.hash = found }
      }

      func seal(_ column: inout ColumnRecord) {
        let key = column.key
        seal(&column.headers, .headers, key)
        seal(&column.validityBits, .validity, key)
        seal(&column.ranks, .ranks, key)
        seal(&column.dictionaryOffsets, .dictionaryOffsets, key)
        seal(&column.dictionaryValues, .dictionaryValues, key)
        for index in column.pages.indices {
          let page = column.pages[index]
          let isLast = index + 1 == column.pages.count
          let bodyEnd = isLast ? column.bodies.bytes : column.pages[index + 1].bodyOffset
          let bytesEnd = isLast ? column.bytes.bytes : column.pages[index + 1].bytesOffset
          if bodyEnd >= page.bodyOffset,
            let found = hash(
              column.bodies.offset &+ page.bodyOffset, bodyEnd - page.bodyOffset,
              seeds.seed(.bodies, column: key, page: index))
          {
            column.pages[index].bodyHash = found
          }
          if bytesEnd >= page.bytesOffset,
            let found = hash(
              column.bytes.offset &+ page.bytesOffset, bytesEnd - page.bytesOffset,
              seeds.seed(.bytes, column: key, page: index))
          {
            column.pages[index].bytesHash = found
          }
        }
        for index in column.elements.indices { seal(&column.elements[index]) }
      }
    }

    private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
      (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
    }

    private static func store(_ value: UInt64, _ bytes: inout [UInt8], _ offset: Int) {
      for index in 0..<8 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index)) }
    }
  }
#endif
