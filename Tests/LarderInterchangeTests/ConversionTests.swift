import LarderColumns
import LarderInterchange
import Testing

/// The table of conversions: what is exact passes, and nothing else.
@Suite struct ConversionTests {
  private func convert(_ column: Column, _ type: DataType) throws -> [Value] {
    let converted = try LosslessConversion(to: type).convert(column)
    return (0..<converted.count).map { converted[$0] }
  }

  @Test func numbersThatAreExactPass() throws {
    let ints = Column.int64([1, nil, -(1 << 53)])
    #expect(try convert(ints, .float64) == [.float64(1), .null, .float64(-0x1p53)])
    #expect(try convert(Column.int32([7, nil]), .float64) == [.float64(7), .null])
    #expect(try convert(Column.int32([7, nil]), .int64) == [.int64(7), .null])
    #expect(try convert(Column.float64([3, nil, -0.0]), .int64) == [.int64(3), .null, .int64(0)])
    #expect(try convert(Column.float64([0.5, .nan]), .float32).count == 2)
    #expect(try convert(Column.int64([5]), .int32) == [.int32(5)])
    let sliced = ints.slice(1..<3)
    #expect(try convert(sliced, .float64) == [.null, .float64(-0x1p53)])
  }

  @Test(arguments: [
    (Column.int64([0, (1 << 53) + 1]), DataType.float64), (Column.float64([0, 1.5]), .int64),
    (Column.float64([0, .nan]), .int64), (Column.float64([0, 0.1]), .float32),
    (Column.int64([0, 1 << 40]), .int32), (Column.float64([0, 1e19]), .int64),
    (Column.int32([0, (1 << 24) + 1]), .float32),
  ])
  func whatWouldLoseSomethingIsRefusedWithItsRow(_ column: Column, _ type: DataType) {
    let error = #expect(throws: LarderError.self) { try convert(column, type) }
    #expect(error?.row == 1 && error?.code == .invalidInput, "\(type)")
  }

  @Test func decimalsAndTextsPassAsWhatTheySay() throws {
    var decimals = ColumnBuilder(.decimal)
    for text in ["12", "-7.00"] { try decimals.append(text) }
    decimals.appendNull()
    let column = decimals.finish()
    #expect(try convert(column, .int64) == [.int64(12), .int64(-7), .null])
    #expect(try convert(column, .float64) == [.float64(12), .float64(-7), .null])
    #expect(try convert(column, .string) == [.string("12"), .string("-7.00"), .null])
    var fraction = ColumnBuilder(.decimal)
    try fraction.append("1.5")
    #expect(throws: LarderError.self) { try convert(fraction.finish(), .int64) }
    #expect(throws: LarderError.self) { try convert(Column.string(["1"]), .int64) }
    #expect(throws: LarderError.self) { try convert(Column.bool([true]), .int64) }
    #expect(try convert(Column.string(["{}"]), .json) == [.string("{}")])
  }

  @Test func daysAndIntegersBecomeInstants() throws {
    let day = try convert(Column.date([1, nil]), .timestamp(.microseconds))
    #expect(day == [.timestamp(Timestamp(microseconds: 86_400_000_000)), .null])
    #expect(throws: LarderError.self) { try convert(Column.int64([1]), .timestamp(.microseconds)) }
    let seconds = try LosslessConversion(to: .timestamp(.microseconds), integers: .seconds)
      .convert(Column.int64([2]))
    #expect(seconds[0] == .timestamp(Timestamp(ticks: 2, unit: .seconds)))
  }

  @Test func listsFollowTheirElements() throws {
    let lists = try Column.of(
      .list(.int64), [.list([.int64(1), .int64(2)]), .null, .list([.int64((1 << 53) + 1)])])
    let error = #expect(throws: LarderError.self) { try convert(lists, .list(.float64)) }
    #expect(error?.row == 2)
    let whole = try Column.of(.list(.int64), [.list([.int64(1), .null]), .null])
    let floats = try convert(whole, .list(.float64))
    #expect(floats == [.list([.float64(1), .null]), .null])
  }
}
