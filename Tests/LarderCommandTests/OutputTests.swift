import LarderColumns
import LarderCommand
import LarderContract
import Testing

@Suite struct OutputTests {
  @Test func alignsTables() {
    var table = Table(["view": .left, "rows": .right, "note": .left])
    table.add("weather", "26,115", "")
    table.add("vix", "9", "daily, käse")
    #expect(
      table.text == """
        VIEW       ROWS  NOTE
        weather  26,115
        vix           9  daily, käse

        """)
  }

  @Test func writesNumbersForPeople() {
    #expect(Quantity.count(0) == "0")
    #expect(Quantity.count(-1_234_567) == "-1,234,567")
    #expect(Quantity.count(1, "row") == "1 row" && Quantity.count(1_000, "row") == "1,000 rows")
    #expect(Quantity.bytes(999) == "999 B" && Quantity.bytes(1_000) == "1.0 KB")
    #expect(Quantity.bytes(999_960) == "1.0 MB" && Quantity.bytes(5_000_000_000_000) == "5.0 TB")
    #expect(Quantity.seconds(0.000_012) == "12 us" && Quantity.seconds(0.25) == "250 ms")
    #expect(Quantity.seconds(0.0012) == "1.2 ms" && Quantity.seconds(61.256) == "61.26 s")
    #expect(Quantity.rate(1_234_567, "row", in: 1) == "1,230,000 rows/s")
    #expect(Quantity.rate(0, "row", in: 1) == "0 rows/s")
    #expect(Quantity.fixed(-0.04, 1) == "0.0" && Quantity.fixed(1.05, 2) == "1.05")
  }

  @Test func readsSizes() {
    #expect(SizeArgument(argument: "512M")?.bytes == 512 << 20)
    #expect(SizeArgument(argument: "2g")?.bytes == 2 << 30)
    #expect(SizeArgument(argument: "64KiB")?.bytes == 64 << 10)
    #expect(SizeArgument(argument: "65536")?.bytes == 65_536)
    for text in ["", "M", "0", "-1M", "1.5G", "9999999999T", "1X"] {
      #expect(SizeArgument(argument: text) == nil, "\(text)")
    }
  }

  @Test func readsProjections() throws {
    let projection = try #require(
      ProjectionArgument(argument: "dest=weather,origin:dest,gate:dest_gate")?.projection)
    #expect(projection.view == "weather" && projection.alias == "dest")
    #expect(projection.joinKeys == ["origin": "dest", "gate": "dest_gate"])
    #expect(ProjectionArgument(argument: "dest=weather")?.projection.joinKeys == [:])
    for text in ["dest", "=weather", "a=", "a=v,b", "a=v,b:", "a=v,b:c,b:d", "a=v,b:c:d"] {
      #expect(ProjectionArgument(argument: text) == nil, "\(text)")
    }
  }

  @Test func readsMappings() throws {
    let mappings = ["a=b", "c=d=e"].compactMap(MappingArgument.init)
    #expect(try MappingArgument.dictionary(mappings) == ["a": "b", "c": "d=e"])
    #expect(throws: LarderError.self) {
      try MappingArgument.dictionary(["a=b", "a=c"].compactMap(MappingArgument.init))
    }
    #expect(MappingArgument(argument: "=b") == nil && MappingArgument(argument: "a") == nil)
  }
}
